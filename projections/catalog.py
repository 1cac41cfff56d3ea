"""The catalog: every definition by name and version, and the marks; folded before anything else."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from ledger import (
    Event,
    ExperimentDefined,
    ExperimentDefinition,
    FittedPipeline,
    LogMarked,
    ModelDefined,
    ModelDefinition,
    PipelineFitted,
    Reading,
    ServiceDefined,
    ServiceDefinition,
    TrainingSetRecord,
    TrainingSetRecorded,
    UnknownName,
    ViewDefined,
    ViewDefinition,
    experiment_from_json,
    fitted_from_json,
    training_set_from_json,
)
from projections.contract import Gone, Handler, Projection

D = TypeVar(
    "D", ViewDefinition, ServiceDefinition, ModelDefinition, FittedPipeline, ExperimentDefinition, TrainingSetRecord
)


class Shelf(Generic[D]):
    """Definitions of one kind: name -> versions in order, each with the offset that defined it."""

    def __init__(self, noun: str) -> None:
        self.noun = noun
        self.count = 0  # of the definitions, versions each counted
        self._versions: dict[str, tuple[tuple[int, ...], tuple[D, ...]]] = {}

    def add(self, offset: int, definition: D) -> None:
        """The next version of a name. Its tuples are replaced, so readers never see half of it."""
        versions = self._versions.get(definition.name)
        offsets: tuple[int, ...] = versions[0] if versions else ()
        definitions: tuple[D, ...] = versions[1] if versions else ()
        self._versions[definition.name] = (offsets + (offset,), definitions + (definition,))
        self.count += 1

    def get(self, name: str, offset: int | None = None) -> D:
        """The definition of a name as of an offset (None = the newest). 0.15 us for the newest."""
        found = self.find(name, offset)
        if found is None:
            rule = f"no {self.noun} of that name is defined"
            raise UnknownName(rule, **{self.noun: name, "as_of": offset, "known": self.names(offset)[:20]})
        return found

    def find(self, name: str, offset: int | None = None) -> D | None:
        """The same, or None."""
        versions = self._versions.get(name) if isinstance(name, str) else None
        if versions is None:
            return None
        if offset is None:
            return versions[1][-1]
        place = bisect_right(versions[0], offset)
        return versions[1][place - 1] if place else None

    def version(self, name: str, version: int) -> D:
        """One version of a name."""
        versions = self._versions.get(name, ((), ()))[1]
        if not 1 <= version <= len(versions):
            raise UnknownName(f"no such version of the {self.noun}", name=name, version=version, known=len(versions))
        return versions[version - 1]

    def versions(self, name: str, offset: int | None = None) -> list[tuple[int, D]]:
        """(offset, definition) of every version up to an offset."""
        offsets, definitions = self._versions.get(name, ((), ()))
        return [pair for pair in zip(offsets, definitions, strict=True) if offset is None or pair[0] <= offset]

    def names(self, offset: int | None = None) -> list[str]:
        """The names defined as of an offset, in order of their first definition."""
        return [name for name, (offsets, _) in self._versions.items() if offset is None or offsets[0] <= offset]

    def newest(self, offset: int | None = None) -> list[D]:
        """The definition of every name as of an offset."""
        return [found for name in self.names(offset) if (found := self.find(name, offset)) is not None]

    def __iter__(self) -> Iterator[tuple[int, D]]:
        for offsets, definitions in self._versions.values():
            yield from zip(offsets, definitions, strict=True)


class Catalog(Projection):
    """Views, services, pipelines, models, experiments, training sets and marks, as of any offset."""

    name = "catalog"
    version = 4
    essential = True
    handles = (
        ViewDefined, ServiceDefined, PipelineFitted, ModelDefined, ExperimentDefined, LogMarked, TrainingSetRecorded,
    )  # fmt: skip
    revision = 0  # grows with every definition of a view or service, and every fit

    def reset(self) -> None:
        """Nothing is defined."""
        self.revision += 1
        self.views: Shelf[ViewDefinition] = Shelf("view")
        self.services: Shelf[ServiceDefinition] = Shelf("service")
        self.pipelines: Shelf[FittedPipeline] = Shelf("pipeline")  # by the name of their service
        self.models: Shelf[ModelDefinition] = Shelf("model")
        self.experiments: Shelf[ExperimentDefinition] = Shelf("experiment")
        self.training_sets: Shelf[TrainingSetRecord] = Shelf("training_set")
        self.marks: dict[str, int] = {}

    @property
    def shelves(self) -> tuple[Shelf[Any], ...]:
        """One shelf a kind of definition."""
        return self.views, self.services, self.pipelines, self.models, self.experiments, self.training_sets

    def forget(self, gone: Gone) -> bool:
        """Overrides of erased units leave their experiments; nothing else here is of an entity.

        It is never empty meanwhile: most of what asks a catalog does so without a lock.
        """
        facts = ((event.offset, event.fact) for event in gone.events)
        left = {offset: fact.definition for offset, fact in facts if isinstance(fact, ExperimentDefined)}
        if left:
            experiments: Shelf[ExperimentDefinition] = Shelf("experiment")
            for offset, definition in self.experiments:
                experiments.add(offset, left.get(offset, definition))
            self.experiments = experiments
        self.revision += 1
        return True

    def handlers(self) -> dict[type, Handler]:
        """One handler a kind of definition."""
        return {
            ViewDefined: self._view_defined,
            ServiceDefined: self._service_defined,
            PipelineFitted: self._pipeline_fitted,
            ModelDefined: self._model_defined,
            ExperimentDefined: self._experiment_defined,
            LogMarked: self._log_marked,
            TrainingSetRecorded: self._training_set_recorded,
        }

    def _view_defined(self, event: Event) -> None:
        assert isinstance(event.fact, ViewDefined)
        self.views.add(event.offset, event.fact.definition)
        self.revision += 1

    def _service_defined(self, event: Event) -> None:
        assert isinstance(event.fact, ServiceDefined)
        definition = event.fact.definition
        before = self.services.find(definition.name)
        self.services.add(event.offset, definition)
        if definition.pipeline is not None and definition.brings_a_pipeline(before):
            version = len(self.pipelines.versions(definition.name)) + 1
            self.pipelines.add(event.offset, FittedPipeline(definition.label, version, definition.pipeline))
        self.revision += 1

    def _pipeline_fitted(self, event: Event) -> None:
        assert isinstance(event.fact, PipelineFitted)
        self.pipelines.add(event.offset, event.fact.fitted)
        self.revision += 1

    def _model_defined(self, event: Event) -> None:
        assert isinstance(event.fact, ModelDefined)
        self.models.add(event.offset, event.fact.definition)

    def _experiment_defined(self, event: Event) -> None:
        assert isinstance(event.fact, ExperimentDefined)
        self.experiments.add(event.offset, event.fact.definition)

    def _log_marked(self, event: Event) -> None:
        assert isinstance(event.fact, LogMarked)
        self.marks[event.fact.name] = event.offset

    def _training_set_recorded(self, event: Event) -> None:
        assert isinstance(event.fact, TrainingSetRecorded)
        self.training_sets.add(event.offset, event.fact.record)

    def pipeline(self, definition: ServiceDefinition, offset: int | None = None) -> FittedPipeline | None:
        """The pipeline of a service as of an offset (None = now): the last one fitted for the same transformations."""
        if definition.pipeline is None:
            return None
        for _, found in reversed(self.pipelines.versions(definition.name, offset)):
            fitted_for = self.services.version(found.name, int(found.service.partition("@")[2]))
            if fitted_for is definition or fitted_for.transforms_like(definition):
                return found
        return None

    def mark(self, name: str, offset: int | None = None) -> int:
        """The offset of a mark, known as of an offset."""
        found = self.marks.get(name)
        if found is None or (offset is not None and found > offset):
            raise UnknownName("no mark of that name is set", mark=name, known=list(self.marks)[:20])
        return found

    def dump(self) -> bytes:
        """Definitions in their stored form with their offsets, as JSON."""
        shelves = (self.views, self.services, self.models)
        state = [[[offset, definition.to_json()] for offset, definition in shelf] for shelf in shelves]
        pipelines = [[offset, fitted.to_json()] for offset, fitted in self.pipelines]
        experiments = [[offset, definition.to_json()] for offset, definition in self.experiments]
        sets = [[offset, record.to_json()] for offset, record in self.training_sets]
        more = {"pipelines": pipelines, "experiments": experiments, "training_sets": sets, "marks": self.marks}
        return json.dumps({"definitions": state, **more}).encode()

    def load(self, state: bytes) -> None:
        """Read the definitions back through the facts' own readers."""
        data = json.loads(state)
        self.reset()
        facts: tuple[Any, ...] = (ViewDefined, ServiceDefined, ModelDefined)
        shelves: tuple[Any, ...] = (self.views, self.services, self.models)
        for kind, shelf, items in zip(facts, shelves, data["definitions"], strict=True):
            for offset, body in items:
                reading = Reading(offset, 0, self.log.layouts.__getitem__)
                shelf.add(offset, kind.from_json({"definition": body}, reading).definition)
        for offset, body in data["pipelines"]:
            self.pipelines.add(offset, fitted_from_json(body))
        for offset, body in data["experiments"]:
            self.experiments.add(offset, experiment_from_json(body))
        for offset, body in data["training_sets"]:
            self.training_sets.add(offset, training_set_from_json(body))
        self.marks = data["marks"]

    def check(self) -> None:
        """Versions count up from 1 at rising offsets."""
        for shelf in self.shelves:
            for name in shelf.names():
                versions = shelf.versions(name)
                assert [definition.version for _, definition in versions] == list(range(1, len(versions) + 1)), name
                assert [offset for offset, _ in versions] == sorted({offset for offset, _ in versions}), name

    def counts(self) -> dict[str, int]:
        """Names of each kind; of pipelines every version."""
        return {
            "views": len(self.views.names()),
            "services": len(self.services.names()),
            "pipelines": self.pipelines.count,
            "models": len(self.models.names()),
            "experiments": len(self.experiments.names()),
            "training_sets": len(self.training_sets.names()),
            "marks": len(self.marks),
        }
