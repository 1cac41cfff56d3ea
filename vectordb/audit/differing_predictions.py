"""Differing predictions: of two states, or of two predictions in all detail."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ledger import ROW_BITS, InvalidInput, VectorDBError
from vectordb.audit.difference import (
    ADDED,
    CHANGED,
    REMOVED,
    CellChange,
    Difference,
    FieldChange,
    PredictionChange,
    made,
    same_bits,
)
from vectordb.audit.inputs import UNDEFINED
from vectordb.prediction import Prediction, read_prediction
from vectordb.reproduction import read_again
from vectordb.service_row import LETTERS
from vectordb.transformed_row import TransformedRow
from vectordb.version import version_id

if TYPE_CHECKING:
    from vectordb.past import Past
    from vectordb.reader import Reader

WORDS = {letter: str(status) for status, letter in LETTERS.items()}
FIELDS = ("service", "model", "pipeline", "output", "assignment")
Key = tuple[Any, ...]


def prediction_changes(before: Past, after: Past, common: int | None) -> Iterator[PredictionChange]:
    """Predictions of one side only, and those with another output, other inputs, or answered by another model.

    Two are the same one where service, entity and clock of the read agree, in the order of their recording.
    """
    was, now = (dict(_keyed(past, common or 0)) for past in (before, after))
    for key, one in was.items():
        other = now.get(key)
        if other is None:
            yield PredictionChange(REMOVED, one.id, None)
        elif (change := _compare(one, other)) is not None:
            yield change
    for key, other in now.items():
        if key not in was:
            yield PredictionChange(ADDED, None, other.id)


def _keyed(past: Past, start: int) -> Iterator[tuple[Key, Prediction]]:
    """The predictions that were recorded after an offset, erased ones left out."""
    log, known = past.state.log, past.state.predictions
    offsets = known.after(start, past.as_of_offset)
    refs = (offset << ROW_BITS | row for offset in offsets for row in range(log.rows_at(offset)))
    turns: dict[Key, int] = {}
    for ref in filter(known.has, refs):
        one = read_prediction(past.state, ref)
        key = (one.definition.name, type(one.entity), one.entity, one.at)
        turns[key] = turns.get(key, 0) + 1
        yield (*key, turns[key]), one


def _compare(one: Prediction, other: Prediction, versions: bool = False) -> PredictionChange | None:
    """What differs between two predictions; ``versions``: also where the same value comes from another write."""
    fields = [
        FieldChange(name, getattr(one, name), getattr(other, name))
        for name in FIELDS
        if not same_bits(getattr(one, name), getattr(other, name))
    ]
    if one.row.transformed != other.row.transformed:
        fields.append(FieldChange("transformed", one.row.transformed, other.row.transformed))
    inputs = tuple(_input_changes(one, other, versions))
    if not fields and not inputs:
        return None
    return PredictionChange(CHANGED, one.id, other.id, tuple(fields), inputs)


def _input_changes(one: Prediction, other: Prediction, versions: bool) -> Iterator[CellChange]:
    for name in dict.fromkeys([*one.inputs, *other.inputs]):
        sides = [(side.inputs.get(name), _state(side, name)) for side in (one, other)]
        sources = [_source(side, name) if versions else None for side in (one, other)]
        if not same_bits(*sides) or sources[0] != sources[1]:
            (before, state), (after, other_state) = sides
            yield CellChange(name, before, after, state, other_state, _source(one, name), _source(other, name))


def _state(one: Prediction, name: str) -> str:
    return WORDS[one.states[name]] if name in one.states else UNDEFINED


def _source(one: Prediction, name: str) -> str | None:
    """The version that an input comes from; None for the request and what was never written."""
    ref = dict(zip(one.inputs, one.row.sources)).get(name, 0)
    return version_id(one.log, ref) if ref else None


# -- two predictions -----------------------------------------------------------------------------------------------


def diff_predictions(reader: Reader, a: Any, b: Any) -> Difference:
    """Two predictions side by side: each input with value, status and version, and each transformed value."""
    one, other = (_read(reader, given) for given in (a, b))
    change = _compare(one, other, versions=True)
    moved = tuple(_transformed_changes(reader, one, other))
    if change is not None and moved:
        plain = tuple(field for field in change.fields if field.field != "transformed")
        change = change._replace(fields=(*plain, *moved))
    return made(one.id, other.id, {"predictions": () if change is None else (change,)})


def _read(reader: Reader, given: Any) -> Prediction:
    if isinstance(given, Prediction):
        return given
    if not isinstance(given, str):
        raise InvalidInput("a prediction is compared with a prediction", given=given)
    return reader.prediction(given)


def _transformed_changes(reader: Reader, one: Prediction, other: Prediction) -> Iterator[FieldChange]:
    """Outputs of the pipelines that differ, by name; none where the inputs of one cannot be read again."""
    was, now = (_transformed(reader, side) for side in (one, other))
    if was is None or now is None:
        return
    for name in dict.fromkeys([*was, *now]):
        if not same_bits(was.get(name), now.get(name)):
            yield FieldChange(f"transformed.{name}", was.get(name), now.get(name))


def _transformed(reader: Reader, one: Prediction) -> dict[str, float] | None:
    """What the pipeline made of the inputs; {} without a pipeline, None where that is not known any more."""
    if not one.pipeline:
        return {}
    if one.log is not reader.state.log:
        return None
    try:
        row = read_again(reader, one)
    except VectorDBError:
        return None
    assert isinstance(row, TransformedRow)
    return row.to_dict() if row.digest == one.row.transformed else None
