"""The lineage of definitions: which view has which feature, which service reads it, and what came of that service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ledger import ExperimentDefinition, FeatureRef
from projections import Catalog
from vectordb.lineage.nodes import Link


class DefinitionLinks:
    """Edges among the definitions as of an offset, both ways, and the offset of each. Costs a pass over them."""

    __slots__ = ("into", "nodes", "out")

    def __init__(self, catalog: Catalog, limit: int) -> None:
        self.nodes: dict[str, int] = {}
        self.into: dict[str, list[Link]] = {}
        self.out: dict[str, list[Link]] = {}
        for link in _links(catalog, limit, self.nodes):
            self.nodes.setdefault(str(link.source), 0)  # a model that is no data is defined nowhere
            self.nodes.setdefault(str(link.target), 0)
            self.out.setdefault(str(link.source), []).append(link)
            self.into.setdefault(str(link.target), []).append(link)


def _links(catalog: Catalog, limit: int, nodes: dict[str, int]) -> Iterator[Link]:
    """Every edge; nodes are noted with their offsets on the way."""
    yield from _views(catalog, limit, nodes)
    yield from _services(catalog, limit, nodes)
    for offset, model in _known(catalog.models, limit):
        nodes[f"model:{model.label}"] = offset
    yield from _pipelines(catalog, limit, nodes)
    yield from _experiments(catalog, limit, nodes)
    yield from _training_sets(catalog, limit, nodes)


def _known(shelf: Any, limit: int) -> list[tuple[int, Any]]:
    return sorted((pair for pair in list(shelf) if pair[0] <= limit), key=lambda pair: pair[0])


def _views(catalog: Catalog, limit: int, nodes: dict[str, int]) -> Iterator[Link]:
    for offset, view in _known(catalog.views, limit):
        nodes[f"view:{view.label}"] = offset
        for name in view.features:
            nodes.setdefault(f"feature:{view.name}:{name}", offset)
            yield Link(f"view:{view.label}", f"feature:{view.name}:{name}", "defines", None, offset)


def _services(catalog: Catalog, limit: int, nodes: dict[str, int]) -> Iterator[Link]:
    for offset, service in _known(catalog.services, limit):
        nodes[f"service:{service.label}"] = offset
        for item in service.features:
            if isinstance(item, FeatureRef):
                yield Link(f"feature:{item}", f"service:{service.label}", "reads", None, offset)


def _pipelines(catalog: Catalog, limit: int, nodes: dict[str, int]) -> Iterator[Link]:
    for offset, fitted in _known(catalog.pipelines, limit):
        node, kind = f"pipeline:{fitted.label}", fitted.pipeline["type"]
        nodes[node] = offset
        yield Link(f"service:{fitted.service}", node, "transforms", kind, offset)
        for view in fitted.views:
            yield Link(f"view:{view}", node, "fitted", kind, offset)


def _experiments(catalog: Catalog, limit: int, nodes: dict[str, int]) -> Iterator[Link]:
    for offset, experiment in _known(catalog.experiments, limit):
        node = f"experiment:{experiment.label}"
        nodes[node] = offset
        for source, kind in dict.fromkeys(_read_by(experiment, catalog, offset)):
            if source in nodes:
                yield Link(source, node, kind, None, offset)


def _read_by(experiment: ExperimentDefinition, catalog: Catalog, offset: int) -> Iterator[tuple[str, str]]:
    """What decides who is in an experiment, or adjusts its metrics."""
    if experiment.view:
        view = catalog.views.get(experiment.view, offset)
        yield f"view:{view.label}", "targets"
        for name in _features_of(experiment.where):
            yield f"feature:{experiment.view}:{name}", "targets"
    for metric in experiment.metrics.values():
        if metric.covariate:
            yield f"feature:{metric.covariate}", "adjusts"


def _features_of(where: Any) -> Iterator[str]:
    """The features that a ``where`` names."""
    if isinstance(where, list):
        for item in where:
            yield from _features_of(item)
    elif isinstance(where, dict):
        for name, condition in where.items():
            if name.startswith("$"):
                yield from _features_of(condition)
            else:
                yield name


def _training_sets(catalog: Catalog, limit: int, nodes: dict[str, int]) -> Iterator[Link]:
    for offset, record in _known(catalog.training_sets, limit):
        node = f"training_set:{record.name}"
        nodes[node] = offset
        yield Link(f"service:{record.service}", node, "joined", None, offset)
        if record.model:
            yield Link(node, f"model:{record.model}", "trained", None, offset)
