"""Recorded training sets: what a model was trained on, by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from ledger import (
    MISSING,
    ROW_BITS,
    ROW_MASK,
    DefinitionConflict,
    InvalidInput,
    Log,
    TrainingSetRecord,
    TrainingSetRecorded,
    canonical,
    check_name,
    check_plain,
    entity_to_json,
    from_micros,
    parse_label,
)
from vectordb.matrix import Column
from vectordb.training_set import TrainingSet
from vectordb.transformed_row import digest_of
from vectordb.version import version_id

if TYPE_CHECKING:
    from vectordb.state import State
    from vectordb.writer import Writer

SAID: Final = ("service", "model", "digest", "spine", "refs")  # what makes two records the same: not the read


@dataclass(frozen=True)
class RecordedTrainingSet:
    """What was recorded of a training set.

    ``service`` was joined, as of ``as_of`` and at the clock ``at``; ``known_at`` is the lowest and the highest offset
    that a row was limited to. ``columns`` are the inputs, ``labels`` the other columns of the spine. ``digest`` is the
    SHA-256 of the inputs, ``spine`` that of moments, limits and labels: a set that is joined again from the same spine
    has the same two. ``refs`` names every version that gave a value by offset and row in one int, ``versions`` by id.
    """

    name: str
    service: str
    model: str
    as_of: int
    at: datetime
    known_at: tuple[int, int]
    rows: int
    columns: tuple[str, ...]
    labels: tuple[str, ...]
    digest: str
    spine: str
    offset: int
    recorded_time: datetime
    refs: Sequence[int] = field(repr=False)
    log: Log = field(repr=False, compare=False)

    @property
    def id(self) -> str:
        """Its id in the lineage graph."""
        return f"training_set:{self.name}"

    @cached_property
    def versions(self) -> tuple[str, ...]:
        """The ids of the versions, in order. 3 us each."""
        return tuple(version_id(self.log, ref) for ref in self.refs)

    def to_dict(self) -> dict[str, Any]:
        """As plain data; the versions are counted."""
        texts = {name: getattr(self, name) for name in ("name", "service", "model", "digest", "spine")}
        lists = {name: list(getattr(self, name)) for name in ("known_at", "columns", "labels")}
        times = {"at": self.at.isoformat(), "recorded_time": self.recorded_time.isoformat()}
        counts = {"as_of": self.as_of, "offset": self.offset, "rows": self.rows, "versions": len(self.refs)}
        return {**texts, **lists, **times, **counts}


def find_training_set(state: State, name: str, limit: int) -> RecordedTrainingSet:
    """The record of a name, up to an offset."""
    state.catalog.training_sets.get(name, limit)
    offset, record = state.catalog.training_sets.versions(name)[0]
    return RecordedTrainingSet(
        name=record.name,
        service=record.service,
        model=record.model,
        as_of=record.as_of,
        at=from_micros(record.at),
        known_at=record.known_at,
        rows=record.rows,
        columns=record.columns,
        labels=record.labels,
        digest=record.digest,
        spine=record.spine,
        offset=offset,
        recorded_time=from_micros(state.log.time_of(offset)),
        refs=record.refs,
        log=state.log,
    )


def record_training_set(
    state: State, writer: Writer, name: str, training_set: TrainingSet, model: str | None, meta: Any
) -> None:
    """Write the event, unless the same set stands under the name already. ``meta`` is that of the event."""
    if not isinstance(training_set, TrainingSet) or not training_set.is_of(state):
        rule = "what is recorded is a training set that a service of this database made"
        raise InvalidInput(rule, training_set=name, type=type(training_set).__name__)
    if not len(training_set):
        raise InvalidInput("a training set has at least one row", training_set=name, rows=0)
    with state.lock:
        state.heal()
        record = _record(name, training_set, _model(state, model))
        known = state.catalog.training_sets.find(name)
        if known is None:
            writer.commit(lambda offset, time: TrainingSetRecorded(record), meta)
        elif changed := [field for field in SAID if list(getattr(known, field)) != list(getattr(record, field))]:
            shown = {field: {"was": _shown(known, field), "now": _shown(record, field)} for field in changed}
            raise DefinitionConflict("a training set's name is used once", training_set=name, difference=shown)


def _shown(record: TrainingSetRecord, field: str) -> Any:
    return f"{len(record.refs)} versions" if field == "refs" else getattr(record, field)


def _record(name: str, training_set: TrainingSet, model: str) -> TrainingSetRecord:
    limits = training_set.limits
    return TrainingSetRecord(
        name=check_name(name, "training set"),
        service=training_set.label,
        as_of=training_set.as_of,
        at=training_set.at_micros,
        known_at=(min(limits) >> ROW_BITS, max(limits) >> ROW_BITS),
        columns=tuple(training_set.names),
        labels=tuple(map(str, training_set.extra)),
        rows=len(training_set),
        refs=training_set.refs(),
        digest=digest_inputs(training_set),
        spine=digest_spine(training_set),
        model=model,
    )


def _model(state: State, model: str | None) -> str:
    """The label of a model: with its version where it is data; other names stand as they are."""
    if model is None:
        return ""
    if not isinstance(model, str) or not model:
        raise InvalidInput("a training set names its model by text", model=model)
    name, version = parse_label(check_plain(model, "a model's name"))
    models = state.catalog.models
    if version is not None or models.find(name) is None:
        return model
    return models.get(name).label


def digest_inputs(training_set: TrainingSet) -> str:
    """SHA-256 of the inputs: names and types, the bits of the numbers, the stored form of the other columns."""
    running = sha256(canonical([list(training_set.names), training_set.kinds]))
    running.update(digest_of(bytes(training_set.numbers.raw)).encode())
    for name, column in training_set.beside.items():
        running.update(canonical([name, _stored(column)]))
    return running.hexdigest()


def _stored(column: Column) -> list[Any]:
    kind = column.kind
    return [[] if cell is MISSING else None if cell is None else kind.to_json(cell) for cell in column.cells]


def digest_spine(training_set: TrainingSet) -> str:
    """SHA-256 of the moments: entities, times, how much was known, and the columns that are no inputs."""
    running = sha256(canonical(sorted(map(str, training_set.extra))))
    extra = [_plain(training_set.extra[name]) for name in sorted(training_set.extra, key=str)]
    every = training_set.as_of << ROW_BITS | ROW_MASK  # limits nothing
    moments = zip(training_set.entities, training_set.moments, training_set.limits)
    for place, (entity, time, limit) in enumerate(moments):
        known = None if limit == every else limit >> ROW_BITS
        running.update(canonical([entity_to_json(entity), time, known, *(repr(column[place]) for column in extra)]))
    return running.hexdigest()


def _plain(column: Sequence[Any]) -> Sequence[Any]:
    """A column of Python's own values, where it is one of another library."""
    return column.tolist() if hasattr(column, "tolist") else column
