"""scaling: writers and followers of one shared ledger, each a process of its own; events a second, and the lag.

The lag of an event is from its recorded time to when a follower, which looks every five milliseconds, shows it. Every
run is judged: no gap, no duplicate, every follower as a fresh replay. One writer alone is measured beside four, and the
same rows inserted by the driver alone, one commit each: the floor.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from tests.bench.lines import Line, figures, seconds, write_lines
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


class Engine(NamedTuple):
    """What one engine gave: contended, by one writer alone, and by its driver without a ledger, lines a second."""

    name: str
    contended: Figures
    alone: Figures
    driver: float

    def line(self) -> Line:
        """For the table; every run has been judged, or there is none."""
        run = self.contended
        lag = f"lag p50 {seconds(run.lag_p50 / 1e3)}, p99 {seconds(run.lag_p99 / 1e3)}"
        return Line(
            f"{self.name}: {run.writers} writers and {run.followers} followers of one ledger, {run.events:,} events",
            f"{figures(run.per_second)} events/s, {lag}",
            "no gap, no duplicate, followers equal to a replay",
            met=True,
            beside=f"one writer {figures(self.alone.per_second)}; the driver's bare INSERT {figures(self.driver)}",
        )


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


def engine(
    name: str, place: str, lines: Callable[[], list[bytes]], clear: Callable[[], Any], events: int
) -> Engine:
    """Measure one engine."""
    with TemporaryDirectory() as folder:
        alone = measure(place, lines, Path(folder), 1, 0, min(events, ALONE))
        bare = floor(place, lines())
        clear()
        return Engine(name, measure(place, lines, Path(folder), 4, 4, events), alone, bare)


def on_sqlite(events: int) -> Iterator[Engine]:
    """One file."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "shared.db")

        def clear() -> None:
            for file in Path(folder).iterdir():
                file.unlink()

        yield engine("sqlite3", f"sqlite:{path}", lambda: lines_of(path), clear, events)


def on_postgres(events: int) -> Iterator[Engine]:
    """One server; nothing where it cannot be started."""
    if not find_spec("pwd"):
        return
    from tests.vectordb.scaling.postgres import DRIVERS, lines_at, place_of, run_sql, server, why_not

    if why_not():
        print(f"PostgreSQL: {why_not()}", flush=True)
        return
    with server() as port:
        for driver in DRIVERS:
            place = place_of(driver, port)

            def clear(place: str = place) -> None:
                run_sql(place, "DROP TABLE vectordb_lines, vectordb_ledgers")

            yield engine(driver, place, lambda place=place: lines_at(place), clear, events)  # type: ignore[misc]
            clear()


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="Measure writers and followers of one shared ledger.")
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--json", type=Path, metavar="PATH", help="also write the lines of the table")
    options = parser.parse_args(arguments)
    told = []
    for measured in (on_sqlite, on_postgres):
        for one in measured(options.events):
            told.append(one.line())
            print(told[-1].operation, told[-1].measured, told[-1].beside, sep=": ", flush=True)
    write_lines(options.json, told)


if __name__ == "__main__":
    main()
