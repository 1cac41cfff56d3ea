"""Fitting: a service's pipeline learns from what the ledger held at an offset; what it learnt becomes an event."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from ledger import Entity, FeatureType, FittedPipeline, InvalidInput, ServiceDefinition, canonical, entity_to_json
from vectordb.batches.executors import Progress, Sharing
from vectordb.batches.matrix import FeatureMatrix
from vectordb.services.service import Service
from vectordb.training.training_set import TrainingSet
from vectordb.transforms import Transformer, transformer_from_dict
from vectordb.transforms.composing import unfitted
from vectordb.transforms.executors import fit_shared
from vectordb.transforms.table import read_table

if TYPE_CHECKING:
    from vectordb.reader import Reader


class Learnt(NamedTuple):
    """A fitted transformer, and the read that it was fitted on."""

    transformer: Transformer
    matrix: FeatureMatrix
    views: tuple[str, ...]
    target: str
    spine: str
    types: Mapping[str, FeatureType]

    def fitted(self, definition: ServiceDefinition, version: int) -> FittedPipeline:
        """What is recorded."""
        return FittedPipeline(
            service=definition.label,
            version=version,
            pipeline=self.transformer.to_dict(),
            as_of=self.matrix.as_of,
            at=self.matrix.at_micros,
            views=self.views,
            rows=len(self.matrix),
            target=self.target,
            spine=self.spine,
        )


class Lesson(NamedTuple):
    """What a fit is asked: moments (None: the rows that exist), the column of labels, what was known, who helps."""

    spine: Any = None
    target: str | None = None
    known_at: Any = None
    executor: Executor | None = None
    progress: Progress | None = None


def learn(past: Reader, service: Service, lesson: Lesson) -> Learnt:
    """Fit the pipeline of a service as of a past. The service keeps what it has; nothing is written."""
    plain = service.definition.pipeline
    if plain is None:
        raise InvalidInput("a service that is fitted has a pipeline", service=service.definition.label)
    matrix = _read(past, service, lesson)
    if not len(matrix):
        raise InvalidInput("a pipeline is fitted on at least one row", service=service.name, as_of=past.as_of_offset)
    labels = None if lesson.target is None else _labels(matrix, lesson.target)
    transformer = unfitted(transformer_from_dict(plain, service.name))
    table = read_table(matrix, service.name, packed=lesson.executor is not None)
    fit_shared(transformer, table, labels, Sharing(lesson.executor, lesson.progress).part(0, 1, len(matrix)))
    plan = service._plan()
    seen = tuple(past.plan(view).label for view in plan.views)
    return Learnt(transformer, matrix, seen, lesson.target or "", _digest(matrix, labels), plan.types)


def _read(past: Reader, service: Service, lesson: Lesson) -> FeatureMatrix:
    """The rows of the lesson, raw."""
    if lesson.spine is not None:
        return service.training_set(lesson.spine, lesson.known_at, executor=lesson.executor)
    if lesson.known_at is not None:
        raise InvalidInput("known_at belongs to a spine: as_of says what current rows are known", service=service.name)
    plan = past.consistently(service._plan)
    if len(plan.kinds) != 1 or plan.requests:
        rule = "a service of several kinds of entity, or with request inputs, is fitted on a spine"
        raise InvalidInput(rule, service=plan.label, kinds=list(plan.kinds), request=sorted(plan.requests))
    found: dict[Entity, None] = {}
    for view in plan.views:
        found.update(dict.fromkeys(past.found_entities(view)))
    return service.get_many(list(found), raw=True)  # packing them costs less than sending them to an executor


def _labels(matrix: FeatureMatrix, target: str) -> list[Any]:
    if not isinstance(matrix, TrainingSet):
        raise InvalidInput("a target is a column of the spine", target=target)
    if target not in matrix.extra:
        raise InvalidInput("a target is a column of the spine", target=target, columns=sorted(matrix.extra)[:20])
    return list(matrix.extra[target])


def _digest(matrix: FeatureMatrix, labels: list[Any] | None) -> str:
    """SHA-256 of the moments of a spine: entities, times, how much was known, request inputs, labels.

    Of current rows there is none.
    """
    if not isinstance(matrix, TrainingSet):
        return ""
    running = sha256(repr(labels).encode("utf-8", "surrogatepass"))
    given = matrix.given
    for place, (entity, time) in enumerate(zip(matrix.entities, matrix.moments)):
        request = [repr(column[place]) for column in given]
        running.update(canonical([entity_to_json(entity), time, matrix.limits[place], *request]))
    return running.hexdigest()
