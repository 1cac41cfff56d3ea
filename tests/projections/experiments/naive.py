"""The judge: everything counted anew from a plain list of what happened, in fractions."""

from __future__ import annotations

from fractions import Fraction
from math import fsum
from typing import Any, NamedTuple

from ledger import Entity, Event, ExperimentDefined, ExperimentDefinition, ExposuresRecorded, Metric, OutcomesRecorded


class Counted(NamedTuple):
    """What the judge says of an experiment at an offset."""

    exposed: dict[str, int]
    conflicted: set[Entity]
    forced: set[Entity]
    first: dict[Entity, tuple[str, int, int, float, bool]]
    values: dict[str, dict[str, dict[Entity, float]]]


def count(events: list[Event], experiment: str, offset: int, without: set[Entity], **rules: Any) -> Counted:
    """Read all events up to an offset; ``rules`` are ``window``, ``until`` and ``first_arm`` of ``unit_values``."""
    past = [event for event in events if event.offset <= offset]
    definition = newest(past, experiment)
    assert definition is not None
    inside = [event for event in past if in_bucket(past, event, definition)]
    met: dict[Entity, list[tuple[str, int, int, float, bool]]] = {}
    forced: set[Entity] = set()
    outcomes: dict[Entity, list[tuple[str, int, int, int, float]]] = {}
    for event in inside:
        fact = event.fact
        if isinstance(fact, ExposuresRecorded):
            for one in fact.exposures:
                if one.reason == "forced":
                    forced |= {one.unit} - without
                elif one.unit not in without:
                    seen = (one.arm, fact.event_time, event.offset, one.propensity, one.reason == "given")
                    met.setdefault(one.unit, []).append(seen)
        elif isinstance(fact, OutcomesRecorded):
            for row, out in enumerate(fact.outcomes):
                outcomes.setdefault(out.unit, []).append((out.metric, out.event_time, event.offset, row, out.value))
    first = {unit: seen[0] for unit, seen in met.items()}
    conflicted = {unit for unit, seen in met.items() if len({arm for arm, *_ in seen}) > 1}
    counting = first if rules.get("first_arm") else {unit: one for unit, one in first.items() if unit not in conflicted}
    until = rules.get("until")
    counting = {unit: one for unit, one in counting.items() if until is None or one[1] <= until}
    arms = list(definition.arms) + [arm for arm, *_ in first.values() if arm not in definition.arms]
    exposed = {arm: [one[0] for one in counting.values()].count(arm) for arm in arms}
    wanted = definition.metrics.items()
    values = {name: values_of(name, metric, counting, outcomes, arms, rules) for name, metric in wanted}
    return Counted(exposed, conflicted, forced, first, values)


def newest(past: list[Event], experiment: str) -> ExperimentDefinition | None:
    """The definition in force after these events."""
    found = None
    for event in past:
        if isinstance(event.fact, ExperimentDefined) and event.fact.definition.name == experiment:
            found = event.fact.definition
    return found


def in_bucket(past: list[Event], event: Event, definition: ExperimentDefinition) -> bool:
    """Whether an event belongs to the experiment and was recorded under the same bucket version."""
    name = getattr(event.fact, "experiment", "").partition("@")[0]
    then = newest([one for one in past if one.offset <= event.offset], definition.name)
    return name == definition.name and then is not None and then.bucket_version == definition.bucket_version


def values_of(
    name: str, metric: Metric, counting: Any, outcomes: Any, arms: list[str], rules: dict[str, Any]
) -> dict[str, dict[Entity, float]]:
    """By arm the value of each unit that the metric is over."""
    found: dict[str, dict[Entity, float]] = {arm: {} for arm in arms}
    window, until = rules.get("window", metric.window_micros), rules.get("until")
    for unit, (arm, start, *_) in counting.items():
        rows = [out for out in outcomes.get(unit, []) if out[0] == name and out[1] >= start]
        rows = [out for out in rows if window is None or out[1] <= start + window]
        rows = [out for out in rows if until is None or out[1] <= until]
        if rows:
            found[arm][unit] = one_value(metric.aggregate, rows)
        elif metric.aggregate in ("any", "sum", "count"):
            found[arm][unit] = 0.0
    return found


def one_value(aggregate: str, rows: list[tuple[str, int, int, int, float]]) -> float:
    """A unit's value, rounded once."""
    values = [row[-1] for row in rows]
    if aggregate == "any":
        return 1.0 if [value for value in values if value != 0] else 0.0
    if aggregate == "count":
        return float(len(rows))
    if aggregate == "last":
        return max(rows, key=lambda row: row[1:4])[-1]
    if aggregate == "max":
        return max(values)
    return fsum(values) if aggregate == "sum" else fsum(values) / len(values)


def exact(values: list[float]) -> tuple[int, Fraction, Fraction]:
    """Size, sum and sum of squares."""
    held = list(map(Fraction, values))
    return len(held), sum(held, Fraction()), sum((value * value for value in held), Fraction())  # ints
