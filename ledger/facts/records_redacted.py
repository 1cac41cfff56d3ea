"""Predictions, exposures and outcomes were recorded, or an experiment defined, and units were taken out again."""

from __future__ import annotations

from typing import Any, Final

from ledger.errors import InvalidInput
from ledger.facts.experiment_defined import ExperimentDefined, ExperimentDefinition
from ledger.facts.exposures_recorded import Exposure, ExposuresRecorded
from ledger.facts.fact import Reading, Redaction
from ledger.facts.origin import Origin
from ledger.facts.outcomes_recorded import Outcome, OutcomesRecorded
from ledger.facts.predictions_recorded import PredictionRow, PredictionsRecorded
from ledger.facts.rows_redacted import take_redaction

GONE: Final = PredictionRow((), (), (), None)  # stands where a prediction was erased, so that the others keep their ids


class PredictionsRedacted(PredictionsRecorded):
    """Predictions, of which some were erased: null in ``predictions``.

    {"was":"predictions_recorded@1","by":41,"service":"ranker@1",...,"predictions":[null,{...}]}
    """

    __slots__ = ("redaction",)
    type = "redacted"
    redaction: Redaction

    def __init__(
        self,
        service: str,
        as_of: int,
        at: int,
        model: str,
        predictions: tuple[PredictionRow, ...],
        origin: Origin | None = None,
        pipeline: int = 0,
        *,
        redaction: Redaction,
    ) -> None:
        super().__init__(service, as_of, at, model, predictions, origin, pipeline)
        self.redaction = redaction

    def to_json(self, time: int) -> dict[str, Any]:
        """See the class."""
        data = super().to_json(time)
        data["predictions"] = [None if row is GONE else row.to_json() for row in self.predictions]
        return {**self.redaction._asdict(), **data}

    @classmethod
    def from_json(cls, data: dict[str, Any], reading: Reading) -> PredictionsRedacted:
        """See the class."""
        redaction = take_redaction(data, reading)
        stored = data.get("predictions")
        if type(stored) is not list or None not in stored:
            raise InvalidInput("redacted predictions say which are gone", offset=reading.offset)
        data["predictions"] = [row for row in stored if row is not None]
        read = PredictionsRecorded.read(data, reading, least=0)
        rows = iter(read.predictions)
        whole = tuple(GONE if row is None else next(rows) for row in stored)
        return cls(
            read.service, read.as_of, read.at, read.model, whole, read.origin, read.pipeline, redaction=redaction
        )


class ExposuresRedacted(ExposuresRecorded):
    """Exposures, of which some were erased."""

    __slots__ = ("redaction",)
    type = "redacted"
    redaction: Redaction

    def __init__(
        self, experiment: str, exposures: tuple[Exposure, ...], event_time: int, *, redaction: Redaction
    ) -> None:
        super().__init__(experiment, exposures, event_time)
        self.redaction = redaction

    def to_json(self, time: int) -> dict[str, Any]:
        """See the class."""
        return {**self.redaction._asdict(), **super().to_json(time)}

    @classmethod
    def from_json(cls, data: dict[str, Any], reading: Reading) -> ExposuresRedacted:
        """See the class."""
        redaction = take_redaction(data, reading)
        read = ExposuresRecorded.read(data, reading, least=0)
        return cls(read.experiment, read.exposures, read.event_time, redaction=redaction)


class OutcomesRedacted(OutcomesRecorded):
    """Outcomes, of which some were erased."""

    __slots__ = ("redaction",)
    type = "redacted"
    redaction: Redaction

    def __init__(
        self, experiment: str, outcomes: tuple[Outcome, ...], origin: Origin | None = None, *, redaction: Redaction
    ) -> None:
        super().__init__(experiment, outcomes, origin)
        self.redaction = redaction

    def to_json(self, time: int) -> dict[str, Any]:
        """See the class."""
        return {**self.redaction._asdict(), **super().to_json(time)}

    @classmethod
    def from_json(cls, data: dict[str, Any], reading: Reading) -> OutcomesRedacted:
        """See the class."""
        redaction = take_redaction(data, reading)
        read = OutcomesRecorded.read(data, reading, least=0)
        return cls(read.experiment, read.outcomes, read.origin, redaction=redaction)


class ExperimentRedacted(ExperimentDefined):
    """An experiment's version without the forced arms of units that were erased."""

    __slots__ = ("redaction",)
    type = "redacted"
    redaction: Redaction

    def __init__(self, definition: ExperimentDefinition, *, redaction: Redaction) -> None:
        super().__init__(definition)
        self.redaction = redaction

    def to_json(self, time: int) -> dict[str, Any]:
        """See the class."""
        return {**self.redaction._asdict(), **super().to_json(time)}

    @classmethod
    def from_json(cls, data: dict[str, Any], reading: Reading) -> ExperimentRedacted:
        """See the class."""
        redaction = take_redaction(data, reading)
        return cls(ExperimentDefined.from_json(data, reading).definition, redaction=redaction)
