"""Processes on one sqlite3 file: four writers and four followers, and writers that are killed."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from tests.bench.scaling import Engine, measure
from tests.vectordb.scaling.sharing import agree, connected, lines_of, replayed
from tests.vectordb.scaling.worker import create, run_all, start

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is of POSIX")


def test_four_writers_and_four_followers_agree_with_a_replay(tmp_path: Path) -> None:
    path = tmp_path / "shared.db"
    figures = measure(f"sqlite:{path}", lambda: lines_of(path), tmp_path, writers=4, followers=4, events=2_000)
    assert figures[:3] == (4, 4, 2_000)
    assert figures.per_second > 0 < figures.lag_p50 <= figures.lag_p99
    line = Engine("sqlite3", figures, figures._replace(writers=1), 9_999.0).line()
    assert line.operation.startswith("sqlite3: 4 writers and 4 followers") and "lag p50" in line.measured


def test_a_writer_killed_at_a_step_leaves_a_whole_event_or_none(tmp_path: Path) -> None:
    steps = {("autocommit", "INSERT"): 0, ("autocommit", "after"): 1, ("IMMEDIATE", "BEGIN"): 0}
    steps |= {("IMMEDIATE", "INSERT"): 0, ("IMMEDIATE", "COMMIT"): 0, ("IMMEDIATE", "after"): 1}
    paths = {case: tmp_path / "-".join(case) for case in steps}
    for path in paths.values():
        create(f"sqlite:{path}").close()
    _, killed = run_all([("die", f"sqlite:{path}", *case) for case, path in paths.items()])
    assert killed == [(-signal.SIGKILL, "")] * len(steps)
    for case, stands in steps.items():
        path = paths[case]
        assert len(lines_of(path)) == 1 + 1 + 1 + stands
        with connected(path) as db:
            assert db.view("counters").get("second").found is bool(stands)
            assert db.view("counters").put("next", {"n": 3}).offset == 3 + stands  # nothing waits for the dead
            agree(db, replayed(path, tmp_path))


def test_what_a_killed_writer_was_told_stands(tmp_path: Path) -> None:
    path = tmp_path / "shared.db"
    place = f"sqlite:{path}"
    create(place).close()
    process = start("go_on", place)
    assert process.stdout is not None
    told = [int(process.stdout.readline()) for _ in range(37)]
    process.kill()
    told += [int(line) for line in process.stdout.readlines() if line.endswith("\n")]
    process.communicate(timeout=60)
    with connected(path) as db:
        assert told == list(range(2, 2 + len(told)))
        assert db.head - told[-1] in (0, 1)  # one may stand whose answer was never given
        agree(db, replayed(path, tmp_path))
