"""Predictions were recorded: what a service read, pinned, and what a model answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ledger.errors import InvalidInput
from ledger.facts.fact import Fact, Reading, check_event_time, ref_from_json, take, take_digest
from ledger.facts.origin import Origin, take_origin
from ledger.facts.plain_json import check_plain
from ledger.identity import ROW_BITS, ROW_MASK, Entity, entity_from_json, entity_to_json

PRESENT_ALL = ""


@dataclass(frozen=True, slots=True)
class PredictionRow:
    """One prediction.

    ``entities`` has one id for each kind of entity that the service reads, in its order. ``inputs``
    holds the stored form of every input as the model saw it, ``states`` one letter each (p present,
    n null, m missing, x expired; empty = all present), ``sources`` the reference that each value came
    from (0 = none), ``transformed`` the SHA-256 of what the pipeline made of the inputs.
    """

    entities: tuple[Entity, ...]
    inputs: tuple[Any, ...]
    sources: tuple[int, ...]
    output: Any
    states: str = PRESENT_ALL
    assignment: dict[str, Any] | None = None
    transformed: str = ""

    @property
    def entity(self) -> Entity:
        """The id that stands in the prediction's own id."""
        if len(self.entities) == 1:
            return self.entities[0]
        return tuple(part for entity in self.entities for part in (entity if isinstance(entity, tuple) else (entity,)))

    def to_json(self) -> dict[str, Any]:
        """The stored form."""
        data: dict[str, Any] = {"entities": [entity_to_json(entity) for entity in self.entities]}
        data["inputs"] = list(self.inputs)
        data["sources"] = [[ref >> ROW_BITS, ref & ROW_MASK] if ref else None for ref in self.sources]
        if self.states:
            data["states"] = self.states
        if self.transformed:
            data["transformed"] = self.transformed
        data["output"] = self.output
        return data if self.assignment is None else {**data, "assignment": self.assignment}


class PredictionsRecorded(Fact):
    """Predictions of one service, read at one offset and clock, and answered by one model.

        {"service":"ranker@1","as_of":41,"at":1700000000000000,"model":"risk@1",
         "predictions":[{"entities":["d-7"],"inputs":[12,3.1],"sources":[[41,0],null],"output":0.81}]}

    A value without a source came with the request, or nothing had written it. ``pipeline`` is the version of the
    service's pipeline that transformed the inputs; 0, which is left out: none did.
    """

    __slots__ = ("as_of", "at", "model", "origin", "pipeline", "predictions", "service")
    type = "predictions_recorded"

    def __init__(
        self,
        service: str,
        as_of: int,
        at: int,
        model: str,
        predictions: tuple[PredictionRow, ...],
        origin: Origin | None = None,
        pipeline: int = 0,
    ) -> None:
        self.service = service
        self.as_of = as_of
        self.at = at
        self.model = model
        self.predictions = predictions
        self.origin = origin
        self.pipeline = pipeline

    @property
    def rows(self) -> int:
        """One a prediction."""
        return len(self.predictions)

    def to_json(self, time: int) -> dict[str, Any]:
        """See the class."""
        data: dict[str, Any] = {"service": self.service, "as_of": self.as_of, "at": self.at, "model": self.model}
        if self.pipeline:
            data["pipeline"] = self.pipeline
        data["predictions"] = [row.to_json() for row in self.predictions]
        return data if self.origin is None else {**data, **self.origin.to_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any], reading: Reading) -> PredictionsRecorded:
        """See the class."""
        return PredictionsRecorded.read(data, reading)

    @staticmethod
    def read(data: dict[str, Any], reading: Reading, least: int = 1) -> PredictionsRecorded:
        """The fact of a stored form with at least so many predictions."""
        as_of = take(data, "as_of", int)
        if not 0 <= as_of < reading.offset:
            raise InvalidInput("a prediction reads at an earlier offset", as_of=as_of, offset=reading.offset)
        rows = tuple(_row(item, as_of) for item in take(data, "predictions", list))
        if len(rows) < least:
            raise InvalidInput("at least one prediction is recorded", offset=reading.offset)
        return PredictionsRecorded(
            service=take(data, "service", str),
            as_of=as_of,
            at=check_event_time(data.pop("at", None)),
            model=take(data, "model", str),
            predictions=rows,
            pipeline=_take_pipeline(data),
            origin=take_origin(data, reading),
        )


def _take_pipeline(data: dict[str, Any]) -> int:
    """The version of the pipeline; 0, which is never written, where there is none."""
    if "pipeline" not in data:
        return 0
    version: int = take(data, "pipeline", int)
    if version < 1:
        raise InvalidInput("versions of a pipeline count from 1", pipeline=version)
    return version


def _row(item: Any, as_of: int) -> PredictionRow:
    if type(item) is not dict:
        raise InvalidInput("a stored prediction is an object", value=item)
    data = dict(item)
    if "output" not in data:
        raise InvalidInput("a stored prediction has an output", fields=sorted(data))
    sources = tuple(0 if pair is None else ref_from_json(pair) for pair in take(data, "sources", list))
    row = PredictionRow(
        entities=tuple(map(entity_from_json, take(data, "entities", list))),
        inputs=tuple(check_plain(take(data, "inputs", list), "inputs")),
        sources=sources,
        states=take(data, "states", str) if "states" in data else PRESENT_ALL,
        transformed=take_digest(data, "transformed") if "transformed" in data else "",
        output=check_plain(data.pop("output", None), "output"),
        assignment=check_plain(take(data, "assignment", dict), "an assignment") if "assignment" in data else None,
    )
    fits = (
        len(row.inputs) == len(sources) and len(row.states) in (0, len(sources)) and not set(row.states) - set("pnmx")
    )
    if data or not fits or not row.entities or any(ref >> ROW_BITS > as_of for ref in sources):
        raise InvalidInput("a stored prediction has a source and a state for each input", unknown=sorted(data))
    return row
