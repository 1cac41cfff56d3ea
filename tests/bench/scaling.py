"""scaling: writers and followers of one shared ledger, each a process of its own; events a second, and the lag.

The lag of an event is from its recorded time to when a follower, which looks every five milliseconds, shows it. Every
run is judged: no gap, no duplicate, every follower as a fresh replay. One writer alone is measured beside four, and the
same rows inserted by the driver alone, one commit each: the floor.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from tests.vectordb.scaling.judged import check_run
from tests.vectordb.scaling.sharing import lines_of
from tests.vectordb.scaling.worker import connector, create, percentile, run_together

EVENTS = 20_000
ALONE = 2_000


class Figures(NamedTuple):
    """What one run gave; lags in milliseconds."""

    writers: int
    followers: int
    events: int
    per_second: float
    lag_p50: float
    lag_p99: float

    def line(self, name: str) -> str:
        """As one line of text."""
        who = f"{self.writers} writers, {self.followers} followers, {self.events:,} events"
        lag = f"lag p50 {self.lag_p50:.1f} ms, p99 {self.lag_p99:.1f} ms" if self.followers else "no follower"
        return f"{name}: {who}: {self.per_second:,.0f} events/s, {lag}"


def measure(
    place: str, lines: Callable[[], list[bytes]], folder: Path, writers: int, followers: int, events: int
) -> Figures:
    """One run on an empty place, judged; ``events`` in all."""
    create(place).close()
    each = events // writers
    run = run_together(place, writers, followers, each, timeout=600)
    check_run(lines(), run, folder, writers, each)
    lags = [lag / 1000 for follower in run.followers for lag in follower["lags"]] or [0.0]
    per_second = writers * each / run.seconds
    return Figures(writers, followers, writers * each, per_second, percentile(lags, 0.5), percentile(lags, 0.99))


def floor(place: str, lines: list[bytes]) -> float:
    """Lines a second that the driver alone inserts, one commit each."""
    connection = connector(place)()
    marker = "?" if place.startswith("sqlite") else "%s"
    cursor = connection.cursor()
    cursor.execute(f"CREATE TABLE bare (n BIGINT PRIMARY KEY, line {'BLOB' if marker == '?' else 'BYTEA'})")
    before = time.perf_counter()
    for number, line in enumerate(lines):
        cursor.execute(f"INSERT INTO bare VALUES ({marker}, {marker})", (number, line))
    seconds = time.perf_counter() - before
    cursor.execute("DROP TABLE bare")
    connection.close()
    return len(lines) / seconds


def told(
    name: str, place: str, lines: Callable[[], list[bytes]], clear: Callable[[], Any], events: int
) -> Iterator[str]:
    """Lines of text about one engine."""
    with TemporaryDirectory() as folder:
        alone = measure(place, lines, Path(folder), 1, 0, min(events, ALONE))
        bare = floor(place, lines())
        yield alone.line(name)
        yield f"{name}: the driver alone: {bare:,.0f} lines/s, {bare / alone.per_second:.1f}x"
        clear()
        yield measure(place, lines, Path(folder), 4, 4, events).line(name)


def on_sqlite(events: int) -> Iterator[str]:
    """One file."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "shared.db")

        def clear() -> None:
            for file in Path(folder).iterdir():
                file.unlink()

        yield from told("sqlite3", f"sqlite:{path}", lambda: lines_of(path), clear, events)


def on_postgres(events: int) -> Iterator[str]:
    """One server; nothing where it cannot be started."""
    if not find_spec("pwd"):
        return
    from tests.vectordb.scaling.postgres import DRIVERS, lines_at, place_of, run_sql, server, why_not

    if why_not():
        yield f"PostgreSQL: {why_not()}"
        return
    with server() as port:
        for driver in DRIVERS:
            place = place_of(driver, port)

            def clear(place: str = place) -> None:
                run_sql(place, "DROP TABLE vectordb_lines, vectordb_ledgers")

            yield from told(driver, place, lambda place=place: lines_at(place), clear, events)  # type: ignore[misc]
            clear()


def main(arguments: list[str]) -> None:
    """Measure: all events, or as many as are asked for."""
    events = int(arguments[0]) if arguments else EVENTS
    for engine in (on_sqlite, on_postgres):
        for line in engine(events):
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
