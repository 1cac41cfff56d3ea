"""The check of predictions: every recorded one comes out again to the same bits, as far as it can be computed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ledger import ROW_BITS, PredictionsRecorded, VectorDBError, check_kept, to_micros
from vectordb.audit.checking import GONE, Checking, notes
from vectordb.audit.report import Check, Deviation
from vectordb.prediction import Prediction, read_prediction
from vectordb.reproduction import Reproduction, reproduce


def check_predictions(checking: Checking) -> Check:
    """All of them, in order."""
    gone: Counter[str] = Counter()
    count = 0
    for count, ref in enumerate(checking.told("predictions", _recorded(checking, gone)), 1):
        difference = reproduced(checking, ref, gone)
        if difference is not None:
            return Check("predictions", count, difference, notes(gone))
    return Check("predictions", count, None, notes(gone))


def _recorded(checking: Checking, gone: Counter[str]) -> Iterator[int]:
    """References of predictions, from the events themselves."""
    for offset in range(1, checking.offset + 1):
        try:
            fact = checking.log.event(offset).fact
        except VectorDBError as error:  # what is damaged, the first check names
            gone[error.rule] += 1
            continue
        if isinstance(fact, PredictionsRecorded):
            yield from range(offset << ROW_BITS, (offset << ROW_BITS) + fact.rows)


def reproduced(checking: Checking, ref: int, gone: Counter[str]) -> Deviation | None:
    """What differs in the prediction of a reference; what cannot be computed is counted in ``gone``."""
    try:
        checking.log.owner(ref)
        prediction = read_prediction(checking.state, ref)
        again = reproduce(checking.reader, prediction)
    except GONE as error:
        gone[error.rule] += 1
        return None
    except (VectorDBError, LookupError, ValueError) as error:
        return Deviation(f"prediction at offset {ref >> ROW_BITS}", "a prediction that can be read", error)
    if again.missing and _is_gone(checking, prediction):
        gone[f"inputs not compared: {again.missing[0]}"] += 1
        return None
    if again.unchecked:
        gone[f"outputs not compared: {again.unchecked}"] += 1
    return _drift(prediction, again)


def _is_gone(checking: Checking, prediction: Prediction) -> bool:
    """Whether what a prediction was read from is erased or pruned, or left out of a kit."""
    try:
        check_kept(checking.log, prediction.as_of)
        checking.state.rows.check_clock(to_micros(prediction.at))
        for ref in filter(None, prediction.row.sources):
            checking.log.row(ref)
    except GONE:
        return True
    return False


def _drift(prediction: Prediction, again: Reproduction) -> Deviation | None:
    if again.drifted:
        first = again.drifted[0]
        return Deviation(f"{first.name} of prediction {prediction.id}", first.recorded, first.recomputed)
    if again.missing:
        return Deviation(f"prediction {prediction.id}", "inputs that can be read again", again.missing[0])
    return None
