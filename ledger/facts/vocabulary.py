"""The vocabulary: every type of fact that this release writes or reads.

``READERS`` maps ``type@schema`` to the reader of that stored form. A fact whose form changes keeps the
reader of its older schema here for ever (an upcaster: it returns the present class).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ledger.facts.entity_erased import EntityErased
from ledger.facts.event_pruned import EventPruned
from ledger.facts.experiment_defined import ExperimentDefined
from ledger.facts.exposures_recorded import ExposuresRecorded
from ledger.facts.fact import Fact, Reading
from ledger.facts.log_compacted import LogCompacted
from ledger.facts.log_marked import LogMarked
from ledger.facts.model_defined import ModelDefined
from ledger.facts.outcomes_recorded import OutcomesRecorded
from ledger.facts.pipeline_fitted import PipelineFitted
from ledger.facts.predictions_recorded import PredictionsRecorded
from ledger.facts.redacted_forms import REDACTED_FACTS, read_redacted
from ledger.facts.rows_put import RowsPut
from ledger.facts.service_defined import ServiceDefined
from ledger.facts.single_row import EntityDeleted, RowPut
from ledger.facts.training_set_recorded import TrainingSetRecorded
from ledger.facts.transaction_committed import TransactionCommitted
from ledger.facts.view_defined import ViewDefined

WRITTEN: Final[tuple[type[Fact], ...]] = (
    ViewDefined,
    ServiceDefined,
    ModelDefined,
    PipelineFitted,
    RowPut,
    RowsPut,
    EntityDeleted,
    TransactionCommitted,
    PredictionsRecorded,
    ExperimentDefined,
    ExposuresRecorded,
    OutcomesRecorded,
    LogMarked,
    TrainingSetRecorded,
    EntityErased,
    LogCompacted,
)
FACTS: Final[tuple[type[Fact], ...]] = (*WRITTEN, *REDACTED_FACTS, EventPruned)
READERS: Final[dict[str, Callable[[dict[str, Any], Reading], Fact]]] = {
    f"{fact.type}@{fact.schema}": fact.from_json for fact in WRITTEN
} | {"redacted@1": read_redacted}
