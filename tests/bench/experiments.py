"""experiments: assigning, tallying outcomes, and the analysis now and as of a past offset.

Beside what a user would write: a hash and a modulo to assign, and pandas with SciPy to analyze a table of outcomes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import sha256
from importlib import import_module
from importlib.util import find_spec
from itertools import islice
from random import Random
from typing import Any

from tests.bench.harness import Bar, Benchmark, Candidate
from tests.bench.report import main
from vectordb import Int, LiveExperiment, ManualClock, VectorDB

SIZE = 1_000_000  # units, an outcome each
ASKED = 100_000
BATCH = 1_000
PASTS = 20
START = 1_700_000_000
ARMS = {"control": 0.5, "treatment": 0.5}
OTHERWISE: dict[str, dict[str, Any]] = {
    "holdout": {"holdout": "year", "holdout_share": 0.1},
    "layer": {"layer": "home", "share": 0.5},
    "sticky": {"sticky": True},
    "targeting": {"view": "users", "where": {"trips": {"$gte": 0}}},
}
METRICS = {"clicks": "count", "spent": "sum", "bought": "any", "rate": {"aggregate": "sum", "over": "clicks"}}


def benchmarks(size: int) -> Iterator[Benchmark]:
    """Everything of one experiment with ``size`` units."""
    yield from _assigning(min(ASKED, size))
    yield from _assigning_by_more(min(ASKED, size))
    yield _tallying(size)
    yield _tallying_a_ratio(size)
    yield _tallying_one_by_one(size)
    yield from _analyzing(size)


def _assigning(count: int) -> Iterator[Benchmark]:
    ranking = _made(VectorDB())
    for script, stem in (("ASCII", "user"), ("Greek", "χρήστης")):
        units = [f"{stem}-{number}" for number in range(count)]
        does = "fractions of one SHA-256 over salt and id, the arm by its range, the reason and propensity"
        assign = ranking.assign
        plain = Candidate("ours", f"experiment.assign, one by one: {does}", count, _each(assign, units))
        modulo = Candidate("hashlib", "SHA-256 of a text, modulo 100: the arm alone", count, _each(_modulo, units))
        bar = Bar(500_000) if script == "ASCII" else None
        yield Benchmark(f"assign, ids in {script}", "units/s", [plain, modulo], users_bar=Bar(1_000), bar=bar)
        whole = Candidate("ours", "experiment.assign_many", count, lambda _, units=units: ranking.assign_many(units))
        bar = Bar(1_000_000)
        yield Benchmark(f"assign_many, ids in {script}", "units/s", [whole, modulo], users_bar=Bar(1_000), bar=bar)


def _assigning_by_more(count: int) -> Iterator[Benchmark]:
    """Where more than a hash decides: reported beside the plain way, which has the bars."""
    db, units = VectorDB(), [f"user-{number}" for number in range(count)]
    db.create_view("users", entity="user", features={"trips": Int()}).put_many({"user": units, "trips": [1] * count})
    for kind, options in OTHERWISE.items():
        ranking = _made(db, kind, **options)
        ranking.expose_many(units)
        single = Candidate("ours", f"experiment.assign with {kind}", count, _each(ranking.assign, units))
        yield Benchmark(f"assign, {kind}", "units/s", [single], users_bar=Bar(1_000))
        whole = Candidate("ours", f"assign_many with {kind}", count, lambda _, made=ranking: made.assign_many(units))
        yield Benchmark(f"assign_many, {kind}", "units/s", [whole], users_bar=Bar(1_000))


def _each(function: Callable[[Any], Any], units: list[str]) -> Callable[[Any], None]:
    def run(_: None) -> None:
        for unit in units:
            function(unit)

    return run


def _modulo(unit: str) -> str:
    share = int.from_bytes(sha256(f"ranking:{unit}".encode()).digest()[:8], "big") % 100
    return "control" if share < 50 else "treatment"


def _tallying(size: int) -> Benchmark:
    rows = _rows(size)
    candidates = [_recording(size, rows, "spent", "checked, logged, tallied exactly")]
    if find_spec("pandas"):
        frame = import_module("pandas").DataFrame
        does = "a DataFrame of every batch, put together: nothing is tallied"
        candidates.append(Candidate("pandas", does, size, lambda _: import_module("pandas").concat(map(frame, rows))))
    return Benchmark(f"tally {size:,} outcomes", "outcomes/s", candidates, bar=Bar(200_000))


def _tallying_a_ratio(size: int) -> Benchmark:
    does = "the same of a ratio's metric, whose units have the other one: joint moments too"
    ours = _recording(size, _rows(size), "rate", does, before="clicks")
    return Benchmark(f"tally {size:,} outcomes of a ratio", "outcomes/s", [ours], bar=Bar(200_000))


def _recording(size: int, rows: list[dict[str, Any]], metric: str, does: str, before: str | None = None) -> Candidate:
    """Outcomes of a metric in events of many rows, after those of another one."""

    def prepare() -> LiveExperiment:
        ranking = _exposed(size)
        for batch in rows if before else ():
            ranking.record_many(batch, metric=before)
        return ranking

    def run(ranking: LiveExperiment) -> LiveExperiment:
        for batch in rows:
            ranking.record_many(batch, metric=metric)
        return ranking

    return Candidate("ours", f"record_many of {BATCH:,} rows: {does}", size, run, prepare)


def _tallying_one_by_one(size: int) -> Benchmark:
    rows = [(unit, value) for batch in _rows(size) for unit, value in zip(batch["user"], batch["value"])]

    def run(ranking: LiveExperiment) -> LiveExperiment:
        record = ranking.record
        for unit, value in rows:
            record(unit, "spent", value)
        return ranking

    ours = Candidate("ours", "record, an event each", size, run, lambda: _exposed(size))
    return Benchmark(f"tally {size:,} outcomes one by one", "outcomes/s", [ours], bar=Bar(200_000))


def _exposed(size: int) -> LiveExperiment:
    ranking = _made(VectorDB(clock=ManualClock(START)))
    for batch in _batches(size):
        ranking.expose_many(batch)
    return ranking


def _analyzing(size: int) -> Iterator[Benchmark]:
    db = VectorDB(clock=ManualClock(START))
    ranking, random = _made(db), Random(3)
    for units, rows in zip(_batches(size), _rows(size)):
        ranking.expose_many(units)
        for metric in ("spent", "clicks"):
            ranking.record_many(rows, metric=metric)
    pasts = [db.as_of(random.randrange(2, db.head + 1)).experiment("ranking") for _ in range(PASTS)]
    head = Candidate("ours", "experiment.analyze: Welch, lift, sequential, SRM", 1, lambda _: ranking.analyze("spent"))
    peers = [_pandas(ranking, size)] if find_spec("pandas") and find_spec("scipy") else []
    name = f"analysis of {size:,} units"
    yield Benchmark(f"{name}, at the head", "analyses/s", [head, *peers], bar=Bar(20))
    then = Candidate("ours", "the same", PASTS, lambda _: [past.analyze("spent") for past in pasts])
    yield Benchmark(f"{name}, as of a past offset", "analyses/s", [then], bar=Bar(10))
    ratio = Candidate("ours", "by joint moments", PASTS, lambda _: [past.analyze("rate") for past in pasts])
    yield Benchmark(f"{name}, a ratio, as of a past offset", "analyses/s", [ratio], bar=Bar(10))
    looks = sorted(past._reader.as_of_offset for past in pasts)
    series = Candidate("ours", "experiment.effects", len(looks), lambda _: ranking.effects("spent", looks))
    yield Benchmark(f"{name}, a history of {PASTS} looks", "looks/s", [series])
    ranks = Candidate("ours", "method mann_whitney", 1, lambda _: ranking.analyze("spent", method="mann_whitney"))
    yield Benchmark(f"{name}, by the values of units", "analyses/s", [ranks])
    db.close()


def _pandas(ranking: LiveExperiment, size: int) -> Candidate:
    """The table of outcomes with the arm in it, held in memory and ready."""
    pandas, stats = import_module("pandas"), import_module("scipy.stats")
    units = [unit for batch in _batches(size) for unit in batch]
    values = [value for batch in _rows(size) for value in batch["value"]]
    arms = [one.arm for one in ranking.assign_many(units)]
    frame = pandas.DataFrame({"user": units, "arm": arms, "value": values})

    def run(_: None) -> float:
        total = frame.groupby(["arm", "user"], sort=False)["value"].sum()
        return float(stats.ttest_ind(total["treatment"], total["control"], equal_var=False).pvalue)

    return Candidate("pandas and SciPy", "groupby(arm, user).sum(), ttest_ind: of the table as it is now", 1, run)


def _made(db: VectorDB, name: str = "ranking", **options: Any) -> LiveExperiment:
    return db.create_experiment(name, arms=ARMS, unit="user", metrics=METRICS, **options)


def _batches(size: int) -> list[list[str]]:
    units = (f"user-{number}" for number in range(size))
    return [list(islice(units, BATCH)) for _ in range(0, size, BATCH)]


def _rows(size: int) -> list[dict[str, Any]]:
    random = Random(4)
    return [{"user": batch, "value": [random.expovariate(0.1) for _ in batch]} for batch in _batches(size)]


BUILDS = [(benchmarks, SIZE)]

if __name__ == "__main__":
    main(BUILDS)
