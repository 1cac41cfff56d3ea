"""A recorded prediction, read back from its event."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ledger import (
    GONE,
    ROW_BITS,
    ROW_MASK,
    Entity,
    Erased,
    Event,
    InvalidVersion,
    Log,
    Omitted,
    PredictionRow,
    PredictionsRecorded,
    Request,
    ServiceDefinition,
    UnknownVersion,
    from_micros,
    parse_label,
    render_version,
)
from vectordb.views.version import find_row, version_id

if TYPE_CHECKING:
    from vectordb.state import State


@dataclass(frozen=True)
class Prediction:
    """What a service read, pinned, and what a model answered.

    ``inputs`` holds the stored form of every input by name, as the model saw it, and ``states`` the letter of its
    status: p present, n null, m missing, x expired. ``as_of`` and ``at`` are the offset and clock of the read,
    ``offset`` and ``recorded_time`` those of the event.
    """

    id: str
    service: str
    model: str
    entities: tuple[Entity, ...]
    inputs: dict[str, Any]
    states: dict[str, str]
    output: Any
    assignment: dict[str, Any] | None
    as_of: int
    at: datetime
    offset: int
    recorded_time: datetime
    pipeline: int  # the version of the service's pipeline that the inputs went through; 0: none
    row: PredictionRow = field(repr=False, compare=False)
    definition: ServiceDefinition = field(repr=False, compare=False)
    log: Log = field(repr=False, compare=False)

    @cached_property
    def versions(self) -> dict[str, str | None]:
        """The version id that each input came from; None: the request, or never written."""
        sources = zip(self.inputs, self.row.sources, strict=True)
        return {key: version_id(self.log, ref) if ref else None for key, ref in sources}

    @property
    def request(self) -> dict[str, Any]:
        """The request inputs, as they would be given again."""
        return {
            key: None if self.inputs[key] is None else item.type.show(item.type.from_json(self.inputs[key]))
            for key, item in zip(self.definition.keys, self.definition.features, strict=True)
            if isinstance(item, Request)
        }

    @property
    def entity(self) -> Entity:
        """The id; of several kinds of entity, the ids one after the other."""
        return self.row.entity


def find_prediction(state: State, prediction: str | Prediction, limit: int) -> Prediction:
    """The prediction of an id (of one that is given already: of its id), recorded up to an offset."""
    wanted = prediction.id if isinstance(prediction, Prediction) else prediction
    try:
        ref = find_row(state.log, wanted, limit).ref
    except InvalidVersion as error:
        raise InvalidVersion("a prediction id reads service/entity@offset[.row]", value=wanted) from error
    except UnknownVersion as error:
        if isinstance(error, (Erased, Omitted)):
            raise  # it was there
        rule = "no prediction has this id: predictions(service, entity) lists those that are there"
        found = {"found": error.values["found"]} if "found" in error.values else {}
        raise UnknownVersion(rule, id=wanted, as_of=limit, **found) from error
    return read_prediction(state, ref)


def read_prediction(state: State, ref: int) -> Prediction:
    """The prediction of a reference."""
    return prediction_of(state, state.log.event(ref >> ROW_BITS), ref & ROW_MASK)


def predictions_of(state: State, event: Event) -> list[Prediction]:
    """Those of an event that are still there, in order; of one just written nothing is read again."""
    fact = event.fact
    rows = fact.predictions if isinstance(fact, PredictionsRecorded) else ()
    return [prediction_of(state, event, number) for number, row in enumerate(rows) if row is not GONE]


def prediction_of(state: State, event: Event, number: int) -> Prediction:
    """A prediction of an event."""
    offset, fact = event.offset, event.fact
    if not isinstance(fact, PredictionsRecorded):
        raise UnknownVersion("a prediction's id names a recorded prediction", offset=offset, type=fact.type)
    name, version = parse_label(fact.service)
    row = fact.predictions[number]
    found = render_version(name, row.entity, offset << ROW_BITS | number, fact.rows)
    definition = state.catalog.services.version(name, version or 0)
    keys, log = definition.keys, state.log
    return Prediction(
        id=found,
        service=fact.service,
        model=fact.model,
        entities=row.entities,
        inputs=dict(zip(keys, row.inputs, strict=True)),
        states=dict(zip(keys, row.states or "p" * len(keys), strict=True)),
        output=row.output,
        assignment=row.assignment,
        as_of=fact.as_of,
        at=from_micros(fact.at),
        offset=offset,
        recorded_time=from_micros(log.time_of(offset)),
        pipeline=fact.pipeline,
        row=row,
        definition=definition,
        log=log,
    )
