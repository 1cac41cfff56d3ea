"""training_set: the point-in-time join of labelled moments, beside pandas.merge_asof.

Two views of five features each; a tenth of the versions is written late. ``size`` moments over ten times as many
versions, half of them in each view.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from random import Random
from typing import Any

from tests.bench.harness import Bar, Benchmark, Candidate
from tests.bench.report import main
from vectordb import Float, ManualClock, VectorDB

SIZE = 100_000  # moments
START = 1_700_000_000
STEP = 1_000  # seconds between two versions of an entity
VERSIONS = 500  # of an entity, in each view
VIEWS = ("left", "right")
FEATURES = 5


def benchmarks(size: int) -> Iterator[Benchmark]:
    """One join."""
    world = _World(size)
    service, spine = world.service, world.spine
    candidates = [
        Candidate(
            "ours",
            "service.training_set(spine) over both views",
            size,
            lambda _: service.training_set(spine),
            answer=lambda _, found: found.to_rows(),
        )
    ]
    if find_spec("pandas"):
        frames = world.frames()
        does = "two merge_asof(on=time, by=entity) of sorted frames, back into the spine's order"
        candidates.append(
            Candidate("pandas", does, size, lambda _: _merged(*frames), answer=lambda _, found: _rows(found))
        )
    name = f"training_set, {size:,} moments x {len(VIEWS) * FEATURES} features x 2 views, {world.count:,} versions"
    yield Benchmark(name, "rows/s", candidates, users_bar=Bar(1_000), bar=Bar(size / 3 if size == SIZE else 0))
    world.db.close()


class _World:
    """The versions and the moments."""

    def __init__(self, size: int) -> None:
        random = Random(4)
        clock = ManualClock(START)
        self.db = VectorDB(clock=clock)
        self.entities = [f"e{number}" for number in range(max(1, size // 100))]
        versions = min(VERSIONS, size)
        self.written: dict[str, list[tuple[Any, ...]]] = {view: [] for view in VIEWS}
        names = [f"{view}_{place}" for view in VIEWS for place in range(FEATURES)]
        for view in VIEWS:
            own = {name: Float() for name in names if name.startswith(view)}
            self.db.create_view(view, entity="e", features=own)
        for version in range(versions):
            clock.advance(STEP)
            for view in VIEWS:
                self._write(view, START + (version + 1) * STEP, random)
        self.service = self.db.create_service("s", features=[f"{name.split('_')[0]}:{name}" for name in names])
        times = [START + random.randrange(STEP * versions) for _ in range(size)]
        self.spine = {"e": [random.choice(self.entities) for _ in range(size)], "time": times}
        self.count = sum(map(len, self.written.values()))  # ints

    def _write(self, view: str, now: int, random: Random) -> None:
        times = [now - random.randrange(100 * STEP) if random.random() < 0.1 else now for _ in self.entities]
        columns = {f"{view}_{place}": [random.random() for _ in self.entities] for place in range(FEATURES)}
        self.db.view(view).put_many({"e": self.entities, **columns, "event_time": times})
        self.written[view] += zip(self.entities, times, *columns.values())

    def frames(self) -> tuple[Any, ...]:
        """The spine and both views as frames, each sorted by time."""
        pandas = import_module("pandas")
        spine = pandas.DataFrame(self.spine)
        spine["row"] = range(len(spine))
        views = [
            pandas.DataFrame(rows, columns=["e", "time", *(f"{view}_{place}" for place in range(FEATURES))])
            for view, rows in self.written.items()
        ]
        return (spine.sort_values("time", kind="stable"), *(one.sort_values("time", kind="stable") for one in views))


def _merged(spine: Any, *views: Any) -> Any:
    merge = import_module("pandas").merge_asof
    for view in views:
        spine = merge(spine, view, on="time", by="e")
    return spine.sort_values("row")


def _rows(frame: Any) -> list[tuple[Any, ...]]:
    columns = [column.tolist() for name, column in frame.items() if "_" in name]
    return [tuple(None if value != value else value for value in row) for row in zip(*columns)]


BUILDS = [(benchmarks, SIZE)]

if __name__ == "__main__":
    main(BUILDS)
