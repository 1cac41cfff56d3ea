"""The account of a prediction: its explanation in plain lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from vectordb.audit.inputs import ERASED

if TYPE_CHECKING:
    from vectordb.audit.explaining import ExplainedInput, Explanation
    from vectordb.audit.tracing import Step

LONGEST: Final = 80  # characters of a value
MOST: Final = 50  # lines of the cone
WIDEST: Final = 12  # names of one side of a step


def account_of(found: Explanation) -> Iterator[str]:
    """The lines, without their ends."""
    yield f"prediction {found.id} = {_short(found.output)}"
    kind = f" ({found.model_kind}, stored as data)" if found.model_kind else ""
    pipeline = f", pipeline {found.pipeline_version}" if found.pipeline_version else ""
    yield f"  by model {found.model}{kind}, service {found.service}{pipeline}"
    read = f"  read as of offset {found.as_of} at {_time(found.at)}"
    yield f"{read}, recorded at offset {found.offset}, {_time(found.recorded_time)}"
    yield "  inputs"
    yield from (f"    {_input(one)}" for one in found.inputs)
    if found.steps:
        yield "  pipeline, step by step"
        yield from (f"    {_step(step)}" for step in found.steps)
    yield from _variant(found)
    yield from _cone(found)
    yield f"  reproduced: {_again(found)}"


def _input(one: ExplainedInput) -> str:
    if one.view is None:
        return f"{one.name} = {_short(one.value)} ({one.status}), from the request"
    start = f"{one.name} = {'?' if one.status == ERASED else _short(one.value)} ({one.status})"
    if one.version is None:
        return f"{start}, {one.view}:{one.feature} of {one.entity!r} was never written"
    if one.event_time is None or one.recorded_time is None:
        return f"{start}, {one.version}"
    times = f"true {_time(one.event_time)}, learnt {_time(one.recorded_time)}, {one.age_s:g} s old"
    return f"{start}, {one.version} {one.view}:{one.feature}, {times}"


def _step(step: Step) -> str:
    return f"{step.name} ({step.kind}): {_values(step.inputs)} -> {_values(step.outputs)}"


def _values(values: Mapping[str, Any]) -> str:
    shown = [f"{name}={_short(value)}" for name, value in list(values.items())[:WIDEST]]
    more = len(values) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _variant(found: Explanation) -> Iterator[str]:
    one = found.variant
    if one is not None:
        seen = "exposure not recorded" if one.exposed is None else f"exposure recorded at offset {one.exposed}"
        yield f"  variant {one.experiment}: arm {one.arm} ({one.reason}, propensity {one.propensity}), {seen}"


def _cone(found: Explanation) -> Iterator[str]:
    derived = [one for one in found.cone if one.derived_from]
    if derived:
        yield "  derived"
    for one in derived[:MOST]:
        by = f" by {one.transformation}" if one.transformation else ""
        yield f"    {one.version} from {', '.join(one.derived_from[:WIDEST])}{by}"


def _again(found: Explanation) -> str:
    again = found.reproduction
    if again.missing:
        return f"no, {'; '.join(again.missing)}"
    if again.drifted:
        return "no, " + "; ".join(f"{one.name}: {one.reason}" for one in again.drifted)
    output = f"output not compared ({again.unchecked})" if again.output is None else "output equal bit for bit"
    return f"yes, inputs equal bit for bit, {output}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _time(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")
