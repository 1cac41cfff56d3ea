"""What if a prediction's inputs had been others: its lineage cone alone is computed again, nothing is replayed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ledger import Entity, InvalidInput, VectorDBError, check_plain
from vectordb.audit.difference import FieldChange, same_bits
from vectordb.audit.inputs import model_of, plan_of
from vectordb.models import build_model
from vectordb.pipelines.transformed_row import digest_of
from vectordb.predictions.prediction import Prediction

if TYPE_CHECKING:
    from vectordb.reader import Reader
    from vectordb.services.plan import ServicePlan


class ChangedInputs(Mapping[str, Any]):
    """The inputs of a prediction as its model would see them: those recorded, some of them changed."""

    __slots__ = ("_values", "entity")

    def __init__(self, entity: Entity, values: dict[str, Any]) -> None:
        self.entity = entity
        self._values = values

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def vector(self) -> list[Any]:
        """The values alone, in the model's order."""
        return list(self._values.values())

    def to_dict(self) -> dict[str, Any]:
        """Names and values as a plain dict."""
        return dict(self._values)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.entity!r}, {self._values!r})"


class ChangedOutputs(ChangedInputs):
    """What the pipeline makes of changed inputs, which are in ``inputs``."""

    __slots__ = ("inputs",)

    def __init__(self, inputs: ChangedInputs, values: dict[str, Any]) -> None:
        super().__init__(inputs.entity, values)
        self.inputs = inputs


@dataclass(frozen=True)
class PredictionWhatIf:
    """``row`` is what the model would see, ``output`` what it would answer; None where ``unchecked`` says why not.

    ``inputs`` are the changes, ``before`` is the recorded output, ``transformed`` the SHA-256 of what the pipeline
    makes of the inputs (empty: it has none).
    """

    id: str
    inputs: tuple[FieldChange, ...]
    row: Mapping[str, Any]
    before: Any
    output: Any
    transformed: str = ""
    unchecked: str = ""

    @property
    def changed(self) -> bool | None:
        """Whether the output is another one; None where it was not computed."""
        return None if self.unchecked else not same_bits(self.before, self.output)

    def to_dict(self) -> dict[str, Any]:
        """Plain data; values as a read shows them."""
        data = {name: getattr(self, name) for name in ("id", "before", "output", "transformed", "unchecked")}
        return {**data, "inputs": [one._asdict() for one in self.inputs], "row": dict(self.row)}


def what_if_prediction(
    reader: Reader, prediction: str | Prediction, values: Mapping[str, Any], model: Callable[[Any], Any] | None
) -> PredictionWhatIf:
    """See ``Audit.what_if``, which raises the same: ``InvalidInput``, ``UnknownVersion``."""
    if not isinstance(prediction, Prediction):
        prediction = reader.prediction(prediction)
    if not isinstance(values, Mapping):
        raise InvalidInput("the changes of a prediction are values by input", values=values)
    plan = reader.state.read_past(plan_of, reader.state, prediction)
    shown = _shown(plan, prediction)
    changed = {**shown, **_checked(plan, values)}
    inputs = ChangedInputs(prediction.entity, changed)
    changes = tuple(FieldChange(name, shown[name], changed[name]) for name in values)
    row, transformed = inputs, ""
    if prediction.pipeline:
        packed = plan.applied.pack_row(inputs)  # type: ignore[arg-type]  # it reads values and the entity
        row = ChangedOutputs(inputs, dict(zip(plan.applied.names, plan.applied.unpack(packed))))
        transformed = digest_of(packed)
    output, unchecked = _output(reader, prediction, row, model)
    return PredictionWhatIf(prediction.id, changes, row, prediction.output, output, transformed, unchecked)


def _shown(plan: ServicePlan, prediction: Prediction) -> dict[str, Any]:
    """The inputs as the model saw them, from what the prediction pinned."""
    return {
        name: None if (cell := prediction.inputs[name]) is None else kind.show(kind.from_json(cell))
        for name, kind in plan.types.items()
    }


def _checked(plan: ServicePlan, values: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for name, value in values.items():
        kind = plan.types.get(name)
        if kind is None:
            known = list(plan.types)[:20]
            raise InvalidInput("the prediction has no such input", service=plan.label, input=name, known=known)
        try:
            found[name] = None if value is None else kind.show(kind.check(value))
        except InvalidInput as error:
            raise InvalidInput(error.rule, input=name, value=value) from error
    return found


def _output(
    reader: Reader, prediction: Prediction, row: ChangedInputs, model: Callable[[Any], Any] | None
) -> tuple[Any, str]:
    """What the model answers; or None, and why."""
    if model is not None:
        return check_plain(model(row), "an output"), ""
    definition = model_of(reader.state, prediction)
    if definition is None:
        return None, "the model is not data, and none was given"
    try:
        return check_plain(build_model(definition).predict(row), "an output"), ""
    except VectorDBError as error:
        return None, str(error)
