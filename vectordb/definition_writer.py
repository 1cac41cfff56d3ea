"""Deciding on definitions: the same is a no-op, another is refused with the difference, or replaces."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ledger import (
    DefinitionConflict,
    DefinitionError,
    ExperimentDefined,
    ExperimentDefinition,
    Fact,
    FeatureRef,
    FittedPipeline,
    LogMarked,
    MarkConflict,
    ModelDefined,
    ModelDefinition,
    Request,
    ServiceDefined,
    ServiceDefinition,
    ViewDefined,
    ViewDefinition,
    check_plain,
)
from projections import Shelf
from vectordb.experiments import changed, check_fits, parse_fields
from vectordb.models import check_model
from vectordb.past import Past
from vectordb.pipelines.applied_pipeline import AppliedPipeline, Inputs
from vectordb.receipt import Receipt
from vectordb.state import State
from vectordb.transforms import transformer_from_dict
from vectordb.transforms.composing import check_deep
from vectordb.writer import Writer, make_meta

D = TypeVar("D", ViewDefinition, ServiceDefinition, ModelDefinition, ExperimentDefinition)

Changes = Mapping[str, Any] | Callable[[ExperimentDefinition], Mapping[str, Any]]


class DefinitionWriter:
    """Writes definitions and marks."""

    def __init__(self, state: State, writer: Writer) -> None:
        self._state = state
        self._writer = writer

    def create_view(self, arguments: dict[str, Any], replace: bool, meta: dict[str, Any]) -> None:
        """Define a view."""

        def decide(definition: ViewDefinition) -> Fact:
            self._state.log.layouts.check(definition)
            return ViewDefined(definition)

        self._create(ViewDefinition, "views", arguments, replace, meta, decide)

    def create_service(self, arguments: dict[str, Any], replace: bool, meta: dict[str, Any]) -> None:
        """Define a service."""

        def decide(definition: ServiceDefinition) -> Fact:
            self._check_inputs(definition)
            self._check_pipeline(definition)
            return ServiceDefined(definition)

        self._create(ServiceDefinition, "services", arguments, replace, meta, decide)

    def create_model(self, arguments: dict[str, Any], replace: bool, meta: dict[str, Any]) -> None:
        """Define a model."""
        arguments["parameters"] = check_plain(arguments["parameters"], "a model's parameters")

        def decide(definition: ModelDefinition) -> Fact:
            return ModelDefined(check_model(definition))

        self._create(ModelDefinition, "models", arguments, replace, meta, decide)

    def create_experiment(self, arguments: dict[str, Any], replace: bool, meta: dict[str, Any]) -> None:
        """Define an experiment; its bucket version is that of the one before."""
        with self._state.lock:
            self._state.heal()
            known = self._state.catalog.experiments.find(arguments["name"])
            fields = {**parse_fields(arguments), "bucket_version": known.bucket_version if known else 1}
            self._create(ExperimentDefinition, "experiments", fields, replace, meta, self.experiment_fact)

    def change_experiment(self, name: str, changes: Changes, meta: dict[str, Any]) -> Receipt:
        """Record the next version of an experiment; of one that says the same, the receipt of what is there."""
        state, made = self._state, make_meta(**meta)
        with state.lock:
            state.heal()
            offset, known = state.catalog.experiments.versions(name)[-1]
            definition = changed(known, changes if isinstance(changes, Mapping) else changes(known))
            if definition is known:
                return Receipt(state.log.event(offset), replayed=True)
            fact = self.experiment_fact(definition)
            return self._writer.commit(lambda offset, time: fact, made)

    def experiment_fact(self, definition: ExperimentDefinition) -> Fact:
        """The fact of a definition that fits what is there."""
        check_fits(Past(self._state, self._state.log.head, self._state.now()), definition)
        fact = ExperimentDefined(definition)
        self._state.log.registry.check(fact, self._state.log)
        return fact

    def _create(
        self,
        kind: type[D],
        shelf_name: str,
        arguments: dict[str, Any],
        replace: bool,
        meta: dict[str, Any],
        decide: Callable[[D], Fact],
    ) -> None:
        with self._state.lock:
            self._state.heal()
            shelf: Shelf[D] = getattr(self._state.catalog, shelf_name)  # after healing: a rebuild makes new shelves
            known = shelf.find(arguments["name"])
            definition = kind(version=known.version + 1 if known else 1, **arguments)
            if known is not None and known.same_as(definition):
                return
            if known is not None and not replace:
                rule = f"a {shelf.noun} of that name has another definition (replace=True records a new version)"
                raise DefinitionConflict(
                    rule, name=known.name, version=known.version, difference=difference(known, definition)
                )
            fact = decide(definition)
            self._writer.commit(lambda offset, time: fact, make_meta(**meta))

    def _check_inputs(self, definition: ServiceDefinition) -> None:
        refs = [item for item in definition.features if isinstance(item, FeatureRef)]
        if not refs:
            raise DefinitionError("a service reads at least one feature of a view", service=definition.name)
        for item in refs:
            self._state.plan(item.view).slot(item.feature)
        taken = {"time", *(self._state.plan(item.view).definition.entity for item in refs)}
        wrong = [item.name for item in definition.features if isinstance(item, Request) and item.name in taken]
        if wrong:
            rule = "a request input is not named like a column of a spine: time, and the kinds of entity"
            raise DefinitionError(rule, service=definition.name, inputs=wrong)

    def _check_pipeline(self, definition: ServiceDefinition) -> None:
        """Refuse a pipeline that cannot be built, or that was fitted on other inputs."""
        if definition.pipeline is None:
            return
        types = {
            key: self._state.plan(item.view).slot(item.feature).kind if isinstance(item, FeatureRef) else item.type
            for key, item in zip(definition.keys, definition.features, strict=True)
        }
        Inputs.of(types)
        if definition.is_fitted:
            AppliedPipeline(FittedPipeline(definition.label, 1, definition.pipeline), types)
        else:
            check_deep(transformer_from_dict(definition.pipeline, definition.name))

    def mark(self, name: str, meta: dict[str, Any]) -> int:
        """Name the offset of a new event; the offset."""
        with self._state.lock:
            self._state.heal()
            fact = LogMarked(name)
            taken = self._state.catalog.marks.get(name)
            if taken is not None:
                raise MarkConflict("a mark is set once", mark=name, offset=taken)
            return self._writer.commit(lambda offset, time: fact, make_meta(**meta)).offset


def difference(old: Any, new: Any) -> dict[str, Any]:
    """What differs between two definitions, field by field (features and inputs item by item)."""
    before, after = old.to_json(), new.to_json()
    found: dict[str, Any] = {}
    for field in dict.fromkeys([*before, *after]):
        was, now = before.get(field), after.get(field)
        if field != "version" and was != now:
            both_lists = isinstance(was, list) and isinstance(now, list)
            found[field] = _list_difference(was, now) if both_lists else {"was": was, "now": now}
    return found


def _list_difference(was: list[Any], now: list[Any]) -> dict[str, Any]:
    removed = [item for item in was if item not in now]
    added = [item for item in now if item not in was]
    return {"removed": removed, "added": added} if removed or added else {"was": was, "now": now}
