"""Writing predictions: pinning what a read carried."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, Final

from ledger import (
    Fact,
    InvalidInput,
    Log,
    PredictionRow,
    PredictionsRecorded,
    Pruned,
    UnknownName,
    check_plain,
    entity_to_json,
    parse_label,
)
from vectordb.models import build_model
from vectordb.pipelines.transformed_row import TransformedRow, inputs_of
from vectordb.predictions.pins import pins_of
from vectordb.receipt import Receipt
from vectordb.services.row import ServiceRow
from vectordb.services.service import ServedRow
from vectordb.state import State
from vectordb.writer import Writer, make_meta, make_origin

BOUND: Final = 4_096  # of an event without its predictions
UNKNOWN: Final = 1 << 40


class PredictionWriter:
    """Writes predictions."""

    def __init__(self, state: State, writer: Writer) -> None:
        self._state = state
        self._writer = writer

    def record(
        self,
        rows: Sequence[Any],
        model: str,
        outputs: Sequence[Any] | None,
        assignments: Sequence[Any] | None,
        key: str | None,
        meta: dict[str, Any],
    ) -> Receipt:
        """Write one event with a prediction for each row."""
        first = self._check_rows(rows)
        with self._state.lock:
            label, computed = self._outputs(rows, model, outputs)
            _check_length(rows, computed, "outputs")
            _check_length(rows, assignments, "assignments")
            predictions = tuple(
                _prediction(row, output, _assignment(assignments, place))
                for place, (row, output) in enumerate(zip(rows, computed, strict=True))
            )
            said = None if key is None else _said(first, label, predictions)
            origin = make_origin(self._writer, (), None, key, said)
            replayed = self._writer.replayed(origin)
            if replayed is not None:
                return replayed
            if self._state.log.registry.rewritten > first.as_of:
                _refuse_erased(self._state.log, predictions)
            read = (first.service, first.as_of, first.at_micros)
            fact = PredictionsRecorded(*read, label, predictions, origin, _pipeline(first))
            bound = BOUND + 6 * len(label) + sum(map(_bound, predictions))  # ints
            return self._writer.commit(_always(fact), make_meta(**meta), None if origin or meta else bound)

    def _check_rows(self, rows: Sequence[Any]) -> ServedRow:
        if not len(rows):
            raise InvalidInput("at least one prediction is recorded", rows=0)
        for row in rows:
            if not isinstance(row, (ServiceRow, TransformedRow)):
                raise InvalidInput("a prediction is recorded from a row that a service read", row=type(row).__name__)
            if inputs_of(row).plan.state.database is not self._state.database:
                raise InvalidInput("a prediction is recorded in the database that read its row", service=row.service)
        pins = {(row.service, row.as_of, row.at_micros, _pipeline(row)) for row in rows}
        if len(pins) > 1:
            raise InvalidInput("predictions of one event were read at one offset and clock", reads=sorted(pins)[:5])
        first: ServedRow = rows[0]
        return first

    def _outputs(self, rows: Sequence[Any], model: str, outputs: Sequence[Any] | None) -> tuple[str, Sequence[Any]]:
        """The model's label, and the outputs: given, or computed by a model that is data."""
        if not isinstance(model, str) or not model:
            raise InvalidInput("a prediction names its model", model=model)
        name, version = parse_label(check_plain(model, "a model's name"))
        models = self._state.catalog.models
        if models.find(name) is None or version == 0:
            if outputs is None:
                raise UnknownName("an output is given, or the model is data", model=model, known=models.names())
            return model, outputs
        definition = models.get(name) if version is None else models.version(name, version)
        if outputs is None:
            predict = build_model(definition).predict
            outputs = [predict(row) for row in rows]
        return definition.label, outputs


def _refuse_erased(log: Log, predictions: Iterable[PredictionRow]) -> None:
    """Refuse rows that were read before an erasure and hold what it destroyed: it does not come back."""
    for ref in {ref for row in predictions for ref in row.sources if ref}:
        with suppress(Pruned):
            log.owner(ref)


def _prediction(row: ServedRow, output: Any, assignment: dict[str, Any] | None) -> PredictionRow:
    inputs = inputs_of(row)
    cells, sources, states = pins_of(inputs)
    return PredictionRow(
        entities=inputs.entities,
        inputs=cells,
        sources=sources,
        states=states,
        output=check_plain(output, "an output"),
        assignment=assignment,
        transformed=row.digest if isinstance(row, TransformedRow) else "",
    )


def _bound(row: PredictionRow) -> int:
    """A size in bytes that a stored prediction surely does not exceed: a number and its source take 64 at most."""
    parts = [*row.inputs, *row.entities, row.output]
    if row.assignment is not None:
        parts += [*row.assignment, *row.assignment.values()]
    if not all(map(_is_short, parts)):
        return UNKNOWN
    return 256 + 64 * len(parts) + 6 * sum(len(part) for part in parts if type(part) is str)  # ints


def _is_short(value: Any) -> bool:
    """Whether a value's size can be told without writing it."""
    return value is None or type(value) in (str, float, bool) or (type(value) is int and value.bit_length() <= 64)


def _pipeline(row: ServedRow) -> int:
    """The version of the pipeline that a row went through; 0: none."""
    return row.pipeline_version if isinstance(row, TransformedRow) else 0


def _check_length(rows: Sequence[Any], values: Sequence[Any] | None, what: str) -> None:
    if values is not None and len(values) != len(rows):
        raise InvalidInput(f"{what} are as many as the rows", rows=len(rows), given=len(values))


def _assignment(assignments: Sequence[Any] | None, place: int) -> dict[str, Any] | None:
    found = None if assignments is None else assignments[place]
    if found is None:
        return None
    plain = check_plain(found.to_dict() if hasattr(found, "to_dict") else found, "an assignment")
    if not isinstance(plain, dict):
        raise InvalidInput("an assignment is an object", assignment=plain)
    return plain


def _said(first: ServedRow, label: str, predictions: Iterable[PredictionRow]) -> Any:
    """What a record call says, for the comparison with a retry: not when its row was read."""
    rows = [
        [[entity_to_json(entity) for entity in row.entities], list(row.inputs), row.output, row.assignment]
        for row in predictions
    ]
    return ["predictions", first.service, label, rows]


def _always(fact: Fact) -> Any:
    return lambda offset, time: fact
