"""Experiments as operations of a workload: defined, changed, met by units, and counted anew at any offset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ledger import (
    ExperimentDefined,
    ExperimentDefinition,
    Exposure,
    ExposuresRecorded,
    Metric,
    Outcome,
    OutcomesRecorded,
)
from tests.projections.experiments.naive import count
from tests.projections.experiments.test_histories import agree
from tests.simulation.instants import SECOND, given
from tests.simulation.trials import Told

if TYPE_CHECKING:
    from tests.simulation.workload import Workload

NAMES = ("price", "sticky")
ARMS = ({"a": 0.5, "b": 0.5}, {"a": 0.2, "b": 0.8}, {"a": 0.3, "b": 0.3, "c": 0.4})
METRICS = ("spent", "visits", "score")
VALUES = (0.0, -0.0, 1.0, 2.5, 0.1, -3.75, 1e15, 5e-324)


def design(work: Workload) -> None:
    """Define an experiment, or the same one with other metrics."""
    name = work.random.choice(NAMES)
    known = work.trials.definition(name, work.db.head)
    kinds = {metric: (work.random.choice(("any", "sum", "mean", "count", "last", "max")),
                      work.random.choice((None, 5, 40))) for metric in METRICS}  # fmt: skip
    plain = {metric: {"aggregate": kind, "window": window} for metric, (kind, window) in kinds.items()}
    metrics = {metric: Metric(kind, window_micros=window and window * SECOND)
               for metric, (kind, window) in kinds.items()}  # fmt: skip
    arms = work.random.choice(ARMS)
    bucket, version = (known.bucket_version, known.version + 1) if known else (1, 1)
    definition = ExperimentDefinition(
        name, version, "thing", arms, sticky=name == "sticky", bucket_version=bucket, metrics=metrics
    )
    settled(work, known, definition)
    work.db.create_experiment(name, arms=arms, unit="thing", sticky=name == "sticky", metrics=plain, replace=True)


def settled(work: Workload, known: ExperimentDefinition | None, definition: ExperimentDefinition) -> None:
    """Tell the model of a definition, where it says something new."""
    if known is None or not known.same_as(definition):
        work.model.other(work.now())
        work.trials.told.append(Told(work.model.head, ExperimentDefined(definition)))


def amend(work: Workload) -> None:
    """Change one that is there: traffic, weights, overrides, a stop, new buckets."""
    known, live = running(work)
    if known is None:
        return
    unit, ship = work.entity(), work.random.choice(("a", "b"))
    changes: dict[str, tuple[dict[str, Any], Any]] = {
        "ramp": ({"traffic": 0.5}, lambda: live.ramp(0.5)),
        "open": ({"traffic": 1.0}, lambda: live.ramp(1)),
        "reweight": ({"arms": ARMS[1]}, lambda: live.reweight(ARMS[1])),
        "force": ({"forced": forced(known, unit, ship)}, lambda: live.force(unit, ship)),
        "unforce": ({"forced": forced(known, unit, None)}, lambda: live.unforce(unit)),
        "stop": ({"running": False, "final": ship}, lambda: live.stop(ship)),
        "resume": ({"running": True, "final": ""}, live.resume),
        "buckets": ({"bucket_version": known.bucket_version + 1}, live.restart_buckets),
    }
    weights = (2, 2, 2, 3, 1, 1 if known.running else 0, 1 if known.running else 9, 1)
    fields, change = changes[work.random.choices(list(changes), weights)[0]]
    plain = {name: getattr(known, name) for name in known.__dataclass_fields__}
    settled(work, known, ExperimentDefinition(**{**plain, "version": known.version + 1, **fields}))
    change()


def running(work: Workload) -> tuple[ExperimentDefinition | None, Any]:
    """A random experiment, by the model and live."""
    name = work.random.choice(NAMES)
    known = work.trials.definition(name, work.db.head)
    return known, work.db.experiment(name) if known else None


def forced(known: ExperimentDefinition, unit: Any, arm: str | None) -> tuple[tuple[Any, str], ...]:
    """The overrides with one more, or one less."""
    pairs = {other: own for other, own in known.forced if arm is not None or other != unit}
    return tuple((pairs | ({unit: arm} if arm else {})).items())


def expose(work: Workload) -> None:
    """Units meet their arms, once each."""
    known, live = running(work)
    if known is None:
        return
    units = [work.entity() for _ in range(work.random.choice((1, 1, 2, 4)))]
    now, when = work.now(), work.event_time()
    told = {unit: work.random.choice(list(known.arms)) for unit in units} if work.random.random() < 0.2 else {}
    new: dict[Any, Exposure] = {}
    for unit in units:
        arm, reason, propensity = work.trials.assign(known.name, unit, work.db.head)
        if told:
            arm = told[unit]
            reason, propensity = ("forced", 1.0) if unit in dict(known.forced) else ("given", known.arms[arm])
        if arm is not None and reason != "stopped" and work.trials.is_new(known.name, unit, arm, reason):
            new.setdefault(unit, Exposure(unit, arm, reason, propensity))
    if new:
        work.model.other(now)
        fact = ExposuresRecorded(known.label, tuple(new.values()), now if when is None else when)
        work.trials.told.append(Told(work.model.head, fact))
    if len(units) == 1:
        live.expose(units[0], arm=told.get(units[0]), event_time=given(when))
    else:
        live.expose_many(units, arms=[told[unit] for unit in units] if told else None, event_time=given(when))
    for unit in new:
        note_unit(work, unit, "exposed")


def outcome(work: Workload) -> None:
    """What units did, often before or after it is recorded; now and then told twice under one key."""
    known, live = running(work)
    if known is None:
        return
    now, count_of = work.now(), work.random.choice((1, 1, 2, 5))
    rows = [(work.entity(), work.random.choice(METRICS), work.random.choice(VALUES), work.event_time())
            for _ in range(count_of)]  # fmt: skip
    found = tuple(Outcome(unit, metric, value, now if at is None else at) for unit, metric, value, at in rows)
    work.model.other(now)
    work.trials.told.append(Told(work.model.head, OutcomesRecorded(known.label, found)))
    plain = [{"thing": unit, "metric": metric, "value": value, "event_time": given(now if at is None else at)}
             for unit, metric, value, at in rows]  # fmt: skip
    options = {"idempotency_key": f"outcome{work.db.head}"} if work.random.random() < 0.3 else {}
    first = live.record_many(plain, **options)
    if options:
        assert live.record_many(plain, **options).replayed and work.db.head == first.offset
    for unit, *_ in rows:
        note_unit(work, unit, "outcome")


def note_unit(work: Workload, unit: Any, rule: str) -> None:
    """An experiment's unit is an entity of every view of its kind."""
    for view in work.views:
        work.note(view, unit, rule)


def check_trials(work: Workload, reader: Any, offset: int) -> None:
    """Counted units, sums, first exposures and assignments as of an offset, of one experiment."""
    name = work.random.choice(NAMES)
    definition = work.trials.definition(name, offset)
    if definition is None:
        assert name not in reader.experiments()
        return
    agree(reader.state.experiments, count(work.trials.told, name, offset, set()), name, offset)
    shown = reader.experiment(name)
    for unit in work.random.sample(list(work.entities), 3):
        found = shown.assign(unit)
        expected = work.trials.assign(name, unit, offset)
        assert (found.arm, found.reason, found.propensity) == expected, (name, unit, offset)
        assert (found.experiment, found.bucket_version) == (definition.label, definition.bucket_version)
