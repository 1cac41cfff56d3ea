"""The serving benchmark at smoke size: it runs, without errors, and an experiment costs less than its bar."""

from __future__ import annotations

from statistics import median
from typing import Any

from tests.bench import serving


def test_a_load_run_has_no_errors() -> None:
    found = list(serving.load("wsgiref", 200, 0.05, 2))
    assert len(found) == 6 and all(one.errors == 0 for one in found)
    assert all(0 < one.p50 <= one.p90 <= one.p99 <= one.worst and one.requests > 0 for one in found)


def test_an_experiment_adds_less_than_a_millisecond() -> None:
    found = list(serving.costs(100, 100, rounds=3))
    assert [one.what.partition(",")[2] for one in found] == [" single", " batch"] * 2
    assert median(one.added for one in found) < 1_000
    alone, added, *_ = serving.lines([found[0]._replace(added=1_001.0)], [])
    assert alone.met is None and added.met is False


def test_the_command_prints(capsys: Any) -> None:
    size = ["--size", "100", "--queries", "20", "--seconds", "0.02", "--clients", "1", "--servers"]
    serving.main(size)
    assert "added" in capsys.readouterr().out
