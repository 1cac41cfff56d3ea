"""Explanations: why a prediction is what it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from ledger import (
    ROW_BITS,
    ROW_MASK,
    Entity,
    Erased,
    FeatureRef,
    FeatureType,
    Log,
    Pruned,
    entity_to_json,
    from_micros,
    header_of,
    to_micros,
)
from vectordb.audit.derivation import Derivation, derivations_behind
from vectordb.audit.inputs import ERASED, model_of, plain, plan_of, sources_of, version_name
from vectordb.audit.tracing import Step, trace_of
from vectordb.audit.variant import Variant, variant_of
from vectordb.reproduction import Reproduction, reproduce
from vectordb.service_row import LETTERS

if TYPE_CHECKING:
    from vectordb.prediction import Prediction
    from vectordb.reader import Reader

STATUSES: Final = {letter: str(status) for status, letter in LETTERS.items()}
SECOND: Final = 1_000_000
ERASED_WRITE: Final = 3  # what is known of one


@dataclass(frozen=True)
class ExplainedInput:
    """One input: what the model was given, and where that came from.

    ``entity``, ``view`` and ``feature`` are None for an input that came with the request. ``version`` names the write,
    which is row ``row`` of the event at ``offset``; all that follows is None where nothing had written the value, and
    the times are where a compaction let the write go.
    ``age_s`` is how old the value was at the clock of the read, in seconds.
    ``status`` is that of the read, or ``erased``, with no value.
    """

    name: str
    entity: Entity | None
    view: str | None
    feature: str | None
    value: Any
    status: str
    version: str | None = None
    offset: int | None = None
    row: int | None = None
    event_time: datetime | None = None
    recorded_time: datetime | None = None
    age_s: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data; times as text."""
        shown = {name: plain(value) for name, value in vars(self).items()}
        return shown if self.entity is None else shown | {"entity": entity_to_json(self.entity)}


@dataclass(frozen=True)
class Explanation:
    """Why a prediction is what it is; immutable, and made from the log alone.

    ``inputs`` are in the model's order. ``as_of`` and ``at`` are offset and clock of the read, ``offset`` where the
    prediction stands, ``model_kind`` and ``parameters`` those of a model that is stored as data. ``pipeline``,
    ``cone`` and ``reproduction`` are worked out when they are asked for. ``str()`` gives the account as text.
    """

    id: str
    service: str
    model: str
    model_kind: str | None
    parameters: Mapping[str, Any] | None
    output: Any
    entities: tuple[Entity, ...]
    inputs: tuple[ExplainedInput, ...]
    request: Mapping[str, Any]
    variant: Variant | None
    as_of: int
    at: datetime
    offset: int
    recorded_time: datetime
    pipeline_version: str | None
    _prediction: Prediction = field(repr=False, compare=False)
    _reader: Reader = field(repr=False, compare=False)

    @cached_property
    def pipeline(self) -> Step | None:
        """The fitted pipeline that the prediction pinned, with what went into and came out of every part of it.

        None: the service had none, or an input is erased. 20 us, and milliseconds for the first of its version.
        """
        if self.pipeline_version is None or any(one.status == ERASED for one in self.inputs):
            return None
        state = self._reader.state
        return trace_of(state, plan_of(state, self._prediction)).steps({one.name: one.value for one in self.inputs})

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of the pipeline one by one in their order, each named by its way: ``numbers.scale``."""
        return () if self.pipeline is None else tuple(self.pipeline.leaves())

    @cached_property
    def cone(self) -> tuple[Derivation, ...]:
        """The versions behind the inputs, and what those were derived from, with the transformations. 5 us each."""
        return derivations_behind(self._reader, dict.fromkeys(ref for ref in self._prediction.row.sources if ref))

    @cached_property
    def reproduction(self) -> Reproduction:
        """The prediction computed again and compared bit for bit; ``recomputed`` is the output of a model as data."""
        return reproduce(self._reader, self._prediction)

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data."""
        names = ("id", "service", "model", "model_kind", "output", "as_of", "offset", "pipeline_version")
        again = self.reproduction
        return {
            **{name: getattr(self, name) for name in names},
            "parameters": None if self.parameters is None else dict(self.parameters),
            "entities": [entity_to_json(entity) for entity in self.entities],
            "at": self.at.isoformat(),
            "recorded_time": self.recorded_time.isoformat(),
            "inputs": [one.to_dict() for one in self.inputs],
            "request": {name: plain(value) for name, value in self.request.items()},
            "variant": None if self.variant is None else self.variant.to_dict(),
            "pipeline": None if self.pipeline is None else self.pipeline.to_dict(),
            "cone": [one.to_dict() for one in self.cone],
            "reproduction": {
                "matches": again.matches,
                "inputs": again.inputs,
                "output": again.output,
                "recomputed": again.recomputed,
                "drifted": [drift._asdict() for drift in again.drifted],
                "missing": list(again.missing),
                "unchecked": again.unchecked,
            },
        }

    def text(self) -> str:
        """The account in plain lines."""
        from vectordb.audit.account import account_of

        return "\n".join(account_of(self))

    __str__ = text


def explain(reader: Reader, prediction: Prediction) -> Explanation:
    """See ``Audit.explain``."""
    model = model_of(reader.state, prediction)
    service = prediction.definition
    return Explanation(
        id=prediction.id,
        service=prediction.service,
        model=prediction.model,
        model_kind=model.kind if model else None,
        parameters=model.parameters if model else None,
        output=prediction.output,
        entities=prediction.entities,
        inputs=tuple(_inputs(reader, prediction)),
        request=prediction.request,
        variant=variant_of(reader, prediction.assignment),
        as_of=prediction.as_of,
        at=prediction.at,
        offset=prediction.offset,
        recorded_time=prediction.recorded_time,
        pipeline_version=f"{service.name}#{prediction.pipeline}" if prediction.pipeline else None,
        _prediction=prediction,
        _reader=reader,
    )


def _inputs(reader: Reader, prediction: Prediction) -> Iterator[ExplainedInput]:
    state, at, row = reader.state, to_micros(prediction.at), prediction.row
    sources = sources_of(state, prediction)
    entities = {source.view: source.entity for source in sources}
    plans = {source.view: state.plan(source.view, prediction.as_of) for source in sources}
    writes: dict[tuple[str, int], tuple[Any, ...]] = {}  # most inputs come from a few writes
    items = prediction.definition.features
    for (key, cell), item, ref in zip(prediction.inputs.items(), items, row.sources, strict=True):
        status = STATUSES[prediction.states[key]]
        if not isinstance(item, FeatureRef):
            yield ExplainedInput(key, None, None, None, _shown(item.type, cell), status)
            continue
        view = item.view
        where = (key, entities[view], view, item.feature)
        write = writes.get((view, ref))
        if write is None:
            write = writes[view, ref] = _write(state.log, view, entities[view], ref, at)
        if len(write) == ERASED_WRITE:
            yield ExplainedInput(*where, None, ERASED, *write)
        else:
            yield ExplainedInput(*where, _shown(plans[view].slots[item.feature].kind, cell), status, *write)


def _write(log: Log, view: str, entity: Entity, ref: int, at: int) -> tuple[Any, ...]:
    """Version, offset, row, event time, recorded time and age of a write.

    Where it is erased, without the last three; where it is pruned, with None in their place.
    """
    if not ref:
        return ()
    offset = ref >> ROW_BITS
    place = (version_name(log, view, entity, ref), offset, ref & ROW_MASK)
    try:
        event_time = header_of(log.row(ref))[1]
    except Erased:
        return place
    except Pruned:
        return (*place, None)
    return (*place, from_micros(event_time), from_micros(log.time_of(offset)), (at - event_time) / SECOND)


def _shown(kind: FeatureType, cell: Any) -> Any:
    """A stored value as a read shows it."""
    return None if cell is None else kind.show(kind.from_json(cell))
