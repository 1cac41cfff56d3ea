"""Parity of serving and training: what was served, recomputed both ways, and every difference."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING, Any, NamedTuple

from ledger import VectorDBError, canonical, to_micros
from vectordb.pipelines.transformed_row import digest_of
from vectordb.plain_fields import plain_fields
from vectordb.predictions.reproduction import reproduce
from vectordb.services.service import Service

if TYPE_CHECKING:
    from vectordb.predictions.prediction import Prediction
    from vectordb.reader import Reader


class ParityDifference(NamedTuple):
    """One input, or ``transformed``, of one prediction, that comes out another way.

    ``path`` is serving (read again as it was served) or training (joined, and transformed by columns).
    """

    id: str
    path: str
    name: str
    recorded: Any
    recomputed: Any
    reason: str


@dataclass(frozen=True)
class Parity:
    """How the inputs of stored predictions come out again. ``missing`` could not be recomputed, with the reason.

    Serving: the read as it was. Training: a point-in-time join at the read's clock, of what was known at its offset,
    and the pipeline over columns, as a training set is made.
    """

    service: str
    checked: int
    matching: int
    differences: tuple[ParityDifference, ...]
    missing: tuple[tuple[str, str], ...]

    @property
    def holds(self) -> bool:
        """Whether everything came out as it was served."""
        return self.matching == self.checked

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        plain = plain_fields(self)
        return {**plain, "differences": [difference._asdict() for difference in self.differences]}


def parity_of(reader: Reader, service: str, predictions: Iterable[Prediction]) -> Parity:
    """The parity of some predictions of a service. 0.5 ms each."""
    checked = matching = 0
    differences: list[ParityDifference] = []
    missing: list[tuple[str, str]] = []
    for prediction in predictions:
        checked += 1
        result = reproduce(reader, prediction)
        found = [
            ParityDifference(prediction.id, "serving", *drift) for drift in result.drifted if drift.name != "output"
        ]
        try:
            found += _trained(reader, prediction)
        except VectorDBError as error:
            missing.append((prediction.id, str(error)))
            continue
        if result.missing:
            missing.append((prediction.id, result.missing[0]))
        elif not found:
            matching += 1
        differences += found
    return Parity(service, checked, matching, tuple(differences), tuple(missing))


def _trained(reader: Reader, prediction: Prediction) -> list[ParityDifference]:
    """What a training set gives for the moment of a prediction, where it differs."""
    past = reader.pinned(prediction.as_of, to_micros(prediction.at))
    definition = prediction.definition
    service = Service(past, definition.name, definition.version, prediction.pipeline or None)
    spine: dict[str, list[Any]] = {kind: [entity] for kind, entity in zip(service.entity_kinds, prediction.entities)}
    spine["time"] = [prediction.at]
    for name, value in prediction.request.items():
        spine[name] = [value]
    training = service.training_set(spine)
    cells = training[0].cells()
    found = [
        ParityDifference(prediction.id, "training", name, old, new, "the join gives another value")
        for name, old, new in zip(prediction.inputs, prediction.row.inputs, cells, strict=True)
        if canonical(old) != canonical(new)
    ]
    if prediction.pipeline:
        transformer = past.consistently(service._plan).applied.transformer
        outputs = transformer.transform(training).row(0)
        digest = digest_of(array("d", [nan if value != value else value for value in outputs]).tobytes())
        if digest != prediction.row.transformed:
            why = "the pipeline over columns gives other bits"
            where = (prediction.id, "training", "transformed")
            found.append(ParityDifference(*where, prediction.row.transformed, digest, why))
    return found
