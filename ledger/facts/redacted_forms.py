"""Redacted lines: which fact is left of each that something can be taken out of, and how it is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ledger.errors import InvalidInput
from ledger.facts.experiment_defined import ExperimentDefined
from ledger.facts.exposures_recorded import ExposuresRecorded
from ledger.facts.fact import Fact, Reading
from ledger.facts.outcomes_recorded import OutcomesRecorded
from ledger.facts.predictions_recorded import PredictionsRecorded
from ledger.facts.records_redacted import (
    ExperimentRedacted,
    ExposuresRedacted,
    OutcomesRedacted,
    PredictionsRedacted,
)
from ledger.facts.rows_put import RowsPut
from ledger.facts.rows_redacted import RowsRedacted
from ledger.facts.single_row import EntityDeleted, RowPut
from ledger.facts.transaction_committed import TransactionCommitted

REDACTED: Final[dict[type[Fact], type[Fact]]] = {
    RowPut: RowsRedacted,
    RowsPut: RowsRedacted,
    EntityDeleted: RowsRedacted,
    TransactionCommitted: RowsRedacted,
    PredictionsRecorded: PredictionsRedacted,
    ExposuresRecorded: ExposuresRedacted,
    OutcomesRecorded: OutcomesRedacted,
    ExperimentDefined: ExperimentRedacted,
}
REDACTED_FACTS: Final = tuple(dict.fromkeys(REDACTED.values()))
_WRITTEN: Final = {f"{was.type}@{was.schema}": was for was in REDACTED}
_READERS: Final[dict[str, Callable[[dict[str, Any], Reading], Fact]]] = {
    label: REDACTED[was].from_json for label, was in _WRITTEN.items()
}


def written_as(fact: Fact) -> type[Fact]:
    """The class that a fact was written as, before something was taken out of it."""
    return type(fact) if fact.redaction is None else _WRITTEN[fact.redaction.was]


def read_redacted(data: dict[str, Any], reading: Reading) -> Fact:
    """The fact of a stored form whose type is ``redacted``."""
    was = data.get("was")
    reader = _READERS.get(was) if isinstance(was, str) else None
    if reader is None:
        raise InvalidInput("a redacted line says what it was", was=was, known=sorted(_READERS))
    return reader(data, reading)
