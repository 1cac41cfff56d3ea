"""Recording: the calls of a live database that say what was served, answered and trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vectordb.batches.matrix import FeatureMatrix
from vectordb.defining import Defining
from vectordb.experiments import Assignment
from vectordb.predictions.prediction import Prediction, predictions_of
from vectordb.predictions.prediction_writer import PredictionWriter
from vectordb.services.service import ServedRow
from vectordb.training.training_record import RecordedTrainingSet, record_training_set
from vectordb.training.training_set import TrainingSet
from vectordb.writer import Writer, make_meta


class Recording(Defining):
    """Predictions and training sets of a live database; ``VectorDB`` adds the rest."""

    writer: Writer
    _prediction_writer: PredictionWriter

    def record_prediction(
        self,
        row: ServedRow,
        *,
        model: str,
        output: Any = None,
        assignment: Assignment | Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
        **meta: Any,
    ) -> Prediction:
        """Record what a service read (offset, clock, versions, request inputs) and what a model answered.

        ``output`` is plain data (finite numbers, text, lists, objects); left out, a model that is data
        computes it. ``assignment`` is the experiment's answer that the prediction was served under. Raises
        ``UnknownName`` where the output is left out and the model is not data, ``InvalidInput`` for a row of another
        database or an output that is no plain data, ``IdempotencyConflict``, ``Erased`` where the row holds what was
        erased since it was read.

        >>> from vectordb import Int, VectorDB
        >>> db = VectorDB()
        >>> receipt = db.create_view("drivers", entity="driver", features={"trips": Int()}).put("d-7", {"trips": 12})
        >>> row = db.create_service("eta", features=["drivers:trips"]).get("d-7")
        >>> told = db.record_prediction(row, model="eta@1", output=4.2)
        >>> told.id, told.inputs, told.versions
        ('eta/d-7@4', {'trips': 12}, {'trips': 'drivers/d-7@2'})
        """
        outputs = None if output is None else [output]
        receipt = self._prediction_writer.record([row], model, outputs, [assignment], idempotency_key, meta)
        return predictions_of(self.state, receipt.event)[0]

    def record_predictions(
        self,
        rows: FeatureMatrix | Sequence[ServedRow],
        *,
        model: str,
        outputs: Sequence[Any] | None = None,
        assignments: Sequence[Assignment | Mapping[str, Any] | None] | None = None,
        idempotency_key: str | None = None,
        **meta: Any,
    ) -> list[Prediction]:
        """Record many predictions of one read in one event; as ``record_prediction``.

        ``rows`` is what ``get_many`` gave, or rows of one offset and clock.
        """
        read = rows.rows if isinstance(rows, FeatureMatrix) else list(rows)
        receipt = self._prediction_writer.record(read, model, outputs, assignments, idempotency_key, meta)
        return predictions_of(self.state, receipt.event)

    def record_training_set(
        self, name: str, training_set: TrainingSet, *, model: str | None = None, **meta: Any
    ) -> RecordedTrainingSet:
        """Record under a name which versions a training set was made of, for its lineage; the set itself is not kept.

        ``model`` names the model that it is for. A name is used once: the same set again is a no-op, another one is
        refused (``DefinitionConflict``). Raises ``InvalidInput`` for an empty set, or one of another database. 25 us a
        row of five inputs.
        """
        record_training_set(self.state, self.writer, name, training_set, model, make_meta(**meta))
        return self.training_set_record(name)
