"""Reproduction: a past prediction recomputed from the log, and compared bit for bit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from ledger import VectorDBError, canonical, check_plain, parse_label, to_micros
from vectordb.models import build_model
from vectordb.pipelines.transformed_row import TransformedRow, inputs_of
from vectordb.services.row import ServiceRow
from vectordb.services.service import ServedRow, Service

if TYPE_CHECKING:
    from vectordb.predictions.prediction import Prediction
    from vectordb.reader import Reader


class Drift(NamedTuple):
    """One difference: an input (or ``output``), what was recorded, what was recomputed, and why."""

    name: str
    recorded: Any
    recomputed: Any
    reason: str


@dataclass(frozen=True)
class Reproduction:
    """What a prediction is when it is computed again.

    ``inputs`` is True when every input has the recorded bits; ``output`` is True or False where it was
    compared, else None with the reason in ``unchecked`` (no model at hand, or one that cannot compute
    these inputs). ``drifted`` lists every difference, ``missing`` why inputs could not be read again. ``row`` is what
    was read again, ``recomputed`` what the model made of it. ``unfounded`` says what it rests on that was erased since:
    it is computed again from what was made of that, not from the source.
    """

    id: str
    inputs: bool
    output: bool | None
    drifted: tuple[Drift, ...] = ()
    missing: tuple[str, ...] = ()
    unchecked: str = ""
    row: Mapping[str, Any] | None = None
    recomputed: Any = None
    unfounded: tuple[str, ...] = ()

    @property
    def matches(self) -> bool:
        """Whether nothing differs that was compared: the inputs, and the output where ``output`` is not None.

        So it is True too where only the inputs were computed again: see ``unchecked`` for why.
        """
        return self.inputs and self.output is not False and not self.missing


def reproduce(reader: Reader, prediction: Prediction, model: Callable[[Any], Any] | None = None) -> Reproduction:
    """Read the inputs again at the pinned offset, clock and service version; then ask the model again.

    What a callable given as ``model`` raises is the caller's to see.
    """
    found = _reproduce(reader, prediction, model)
    if not reader.state.log.registry.erasures:
        return found
    unfounded = tuple(one.reason for one in reader.audit.unfounded(prediction.id))
    return replace(found, unfounded=unfounded) if unfounded else found


def _reproduce(reader: Reader, prediction: Prediction, model: Callable[[Any], Any] | None) -> Reproduction:
    try:
        row = read_again(reader, prediction)
    except VectorDBError as error:
        return Reproduction(prediction.id, False, None, missing=(f"inputs: {error}",))
    drifted = _compare_inputs(prediction, inputs_of(row))
    digest = row.digest if isinstance(row, TransformedRow) else ""
    if digest != prediction.row.transformed:
        why = "the pipeline makes other bits of the inputs"
        drifted.append(Drift("transformed", prediction.row.transformed, digest, why))
    try:
        output, recomputed = _compare_output(reader, prediction, row, model)
    except VectorDBError as error:
        return Reproduction(prediction.id, not drifted, None, tuple(drifted), unchecked=str(error), row=row)
    if output is False:
        drifted.append(Drift("output", prediction.output, recomputed, "the model gives another output"))
    same = all(drift.name == "output" for drift in drifted)
    unchecked = "" if output is not None else "the model is not data, and none was given"
    return Reproduction(prediction.id, same, output, tuple(drifted), (), unchecked, row, recomputed)


def read_again(reader: Reader, prediction: Prediction) -> ServedRow:
    """The row that a prediction was made of, from the versions of service and pipeline that it pins."""
    past = reader.pinned(prediction.as_of, to_micros(prediction.at))
    definition = prediction.definition
    service = Service(past, definition.name, definition.version, prediction.pipeline or None)
    entities = dict(zip(service.entity_kinds, prediction.entities, strict=True))
    return service.get(entities, request=prediction.request, raw=not prediction.pipeline)


def _compare_inputs(prediction: Prediction, row: ServiceRow) -> list[Drift]:
    drifted: list[Drift] = []
    states = row.states() or "p" * len(row)
    old_states = prediction.row.states or "p" * len(row)
    parts = zip(
        row, prediction.row.inputs, row.cells(), prediction.row.sources, row.sources(), old_states, states, strict=True
    )
    for name, recorded, recomputed, old_source, source, old_state, state in parts:
        if canonical(recorded) != canonical(recomputed):
            why = "the value comes from another write" if old_source != source else "the same write has another value"
            drifted.append(Drift(name, recorded, recomputed, why))
        elif old_source != source or old_state != state:
            drifted.append(
                Drift(name, (old_source, old_state), (source, state), "equal value, another source or status")
            )
    return drifted


def _compare_output(
    reader: Reader, prediction: Prediction, row: ServedRow, model: Callable[[Any], Any] | None
) -> tuple[bool | None, Any]:
    if model is None:
        name, version = parse_label(prediction.model)
        models = reader.state.catalog.models
        if not version or models.find(name, prediction.offset) is None:
            return None, None
        model = build_model(models.version(name, version)).predict
    recomputed = check_plain(model(row), "output")
    return canonical(recomputed) == canonical(prediction.output), recomputed
