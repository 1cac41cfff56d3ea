"""Datasets: what a run read and what it made, column by column."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ledger import (
    ABSENT,
    ROW_BITS,
    Erased,
    Event,
    FeatureRef,
    FittedPipeline,
    PredictionsRecorded,
    Pruned,
    ServiceDefinition,
    TrainingSetRecord,
    parse_label,
    word_at,
)
from vectordb.lineage.links import Links

PAIRS: Final = 10_000  # of an output column and an input column; beyond it inputs stand for the whole dataset

Column = tuple[str, str]  # of a dataset: its name, and the field


@dataclass
class Output:
    """A dataset that a run made. ``inputs`` are the datasets that it read, with the offset of each as its version."""

    job: str
    name: str
    fields: dict[str, str]
    inputs: dict[str, int]
    schemas: dict[str, dict[str, str]]
    subtype: str
    description: str
    columns: dict[str, Sequence[Column]] = field(default_factory=dict)
    whole: Sequence[Column] = ()


def output_of_fit(links: Links, fitted: FittedPipeline) -> Output:
    """A pipeline, learnt from all features that its service reads."""
    service = _service(links, fitted.service)
    inputs, schemas = _views_of(links, service, fitted.as_of)
    made = Output(f"{service.name}.fit", f"pipeline.{service.name}", {"pipeline": fitted.pipeline["type"]}, inputs,
                  schemas, "AGGREGATION", fitted.label)  # fmt: skip
    made.columns = {"pipeline": _columns(service)}
    return made


def output_of_set(links: Links, record: TrainingSetRecord) -> Output:
    """A training set, each column of it a feature at its moments."""
    service = _service(links, record.service)
    inputs, schemas = _views_of(links, service, record.as_of)
    kinds = {key: _kind(item, schemas) for key, item in zip(service.keys, service.features, strict=True)}
    made = Output(f"{service.name}.training_set", f"training_set.{record.name}", kinds, inputs, schemas, "IDENTITY",
                  "point-in-time join")  # fmt: skip
    made.columns = {
        key: [(item.view, item.feature)]
        for key, item in zip(service.keys, service.features, strict=True)
        if isinstance(item, FeatureRef)
    }
    return made


def output_of_predictions(links: Links, fact: PredictionsRecorded) -> Output:
    """Outputs of a model, made of all features that its service reads, and through its pipeline."""
    service = _service(links, fact.service)
    inputs, schemas = _views_of(links, service, fact.as_of)
    through = ""
    if fact.pipeline:
        offset, fitted = links.state.catalog.pipelines.versions(service.name)[fact.pipeline - 1]
        inputs[f"pipeline.{service.name}"] = offset
        schemas[f"pipeline.{service.name}"] = {"pipeline": fitted.pipeline["type"]}
        through = f"{fitted.label} then "
    made = Output(f"{service.name}.predict", f"prediction.{service.name}", {"output": "any"}, inputs, schemas,
                  "TRANSFORMATION", through + fact.model)  # fmt: skip
    made.columns = {"output": _columns(service)}
    return made


def outputs_of_rows(links: Links, event: Event) -> list[Output]:
    """Rows of one or several views, derived from versions: of which features is not said, so from all they wrote."""
    origin: Any = getattr(event.fact, "origin", None)
    if origin is None or not origin.derived_from:
        return []
    inputs, schemas, read = _sources(links, origin.derived_from)
    outputs = []
    for view in event.views:
        name = origin.transformation or f"{view}.derive"
        plan = links.state.plan(view, event.offset)
        fields = {feature: slot.kind.name for feature, slot in plan.slots.items()}
        blocks = [block for block in event.fact.blocks() if block.layout.view == view]
        refs = [event.offset << ROW_BITS | block.first + place for block in blocks for place in range(len(block))]
        written = _written(links, view, event.offset, refs)
        made = Output(name, view, fields, inputs, schemas, "TRANSFORMATION", name)
        if len(written) * len(read) <= PAIRS:
            made.columns = dict.fromkeys(written, read)
        else:
            made.whole = read
        outputs.append(made)
    return outputs


def _sources(
    links: Links, refs: Iterable[int]
) -> tuple[dict[str, int], dict[str, dict[str, str]], list[Column]]:
    """The datasets of some rows with the newest offset of each, their fields, and the columns that the rows wrote."""
    state = links.state
    groups: dict[str, list[int]] = {}
    for ref in refs:
        try:
            name = state.log.owner(ref)[0]
        except (Erased, Pruned):
            continue
        groups.setdefault(f"prediction.{name}" if state.predictions.has(ref) else name, []).append(ref)
    inputs: dict[str, int] = {}
    schemas: dict[str, dict[str, str]] = {}
    read: list[Column] = []
    for name, own in groups.items():
        inputs[name] = newest = max(own) >> ROW_BITS
        if name.startswith("prediction."):
            schemas[name], written = {"output": "any"}, ["output"]
        else:
            plan = state.plan(name, newest)
            schemas[name] = {feature: slot.kind.name for feature, slot in plan.slots.items()}
            written = _written(links, name, newest, own)
        read += [(name, feature) for feature in written]
    return inputs, schemas, read


def _written(links: Links, view: str, offset: int, refs: Iterable[int]) -> list[str]:
    """The features that some of these rows wrote, in the order of the view."""
    left = {feature: slot.place for feature, slot in links.state.plan(view, offset).slots.items()}
    order, found = list(left), set()
    for ref in refs:
        if not left:
            break
        row = links.state.log.row(ref)
        own = [feature for feature, place in left.items() if word_at(row, place) != ABSENT]
        found.update(own)
        for feature in own:
            del left[feature]
    return [feature for feature in order if feature in found]


def _service(links: Links, label: str) -> ServiceDefinition:
    name, version = parse_label(label)
    return links.state.catalog.services.version(name, version or 0)


def _views_of(
    links: Links, service: ServiceDefinition, offset: int
) -> tuple[dict[str, int], dict[str, dict[str, str]]]:
    """The views that a service reads as of an offset, and their fields."""
    plans = {view: links.state.plan(view, offset) for view in service.views}
    return dict.fromkeys(plans, offset), {
        view: {feature: slot.kind.name for feature, slot in plan.slots.items()} for view, plan in plans.items()
    }


def _columns(service: ServiceDefinition) -> list[Column]:
    return [(item.view, item.feature) for item in service.features if isinstance(item, FeatureRef)]


def _kind(item: Any, schemas: dict[str, dict[str, str]]) -> str:
    return schemas[item.view][item.feature] if isinstance(item, FeatureRef) else item.type.name
