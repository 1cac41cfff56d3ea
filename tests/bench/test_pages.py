"""The lines of the table, the pages made of them, and that what stands in the README was measured."""

from __future__ import annotations

import json
from math import nan
from pathlib import Path
from typing import Any

import pytest

from tests.bench import pages
from tests.bench.__main__ import main, measured
from tests.bench.harness import Bar, Benchmark, Figure, Result, Spread, kept_bytes
from tests.bench.headlines import HEADLINES
from tests.bench.lines import Line, figures, of_result, seconds, trimmed, write_lines
from tests.bench.pages import bars, find, table, with_table
from tests.bench.runs import RUNS, Run


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1234567, "1,230,000"), (99.96, "100"), (12.345, "12.3"), (0.0456, "0.0456"), (7, "7.00")],
)
def test_three_figures(value: float, text: str) -> None:
    assert figures(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(4.5e-8, "45.0 ns"), (1.066e-6, "1.07 us"), (0.0123, "12.3 ms"), (11.3, "11.3 s")]
)
def test_times_in_the_unit_that_suits(value: float, text: str) -> None:
    assert seconds(value) == text


def result(unit: str, values: tuple[float, ...], **more: Any) -> Result:
    ours = Figure("ours", "does", values, Spread(1.0, 1.0, 1.0))
    peer = Figure("peer", "does", tuple(value / 2 for value in values), Spread(0.5, 0.4, 0.6))
    return Result(Benchmark("sort", unit, [], **more), (ours, peer))


def test_many_a_second_are_a_rate() -> None:
    line = of_result(result("puts/s", (90_000.0, 120_000.0, 100_000.0), bar=Bar(150_000), users_bar=Bar(1_000)))
    assert line == Line(
        "sort", "100,000 puts/s", "≥ 150,000/s", "≥ 1,000/s", False, "peer 50,000/s (2.00x)", "90,000/s to 120,000/s"
    )


def test_few_a_second_are_a_time_and_so_are_their_bars() -> None:
    line = of_result(result("looks/s", (400.0, 500.0), users_bar=Bar(100)))
    assert (line.measured, line.users_bar, line.met) == ("2.22 ms", "≤ 10 ms", True)
    assert line.beside == "peer 4.44 ms (2.00x)" and line.spread == "2.00 ms to 2.50 ms"


def test_bytes_and_ratios() -> None:
    line = of_result(result("B an event", (280.0,), bar=Bar(300, "at most"), meter=kept_bytes))
    assert (line.measured, line.bar, line.met, line.spread) == ("280 B an event", "≤ 300 B an event", True, "")
    within = of_result(result("puts/s", (9_000.0,), bar=Bar(1.5, "within", "peer")))
    assert within.bar == "within 1.5x of peer" and within.met
    assert of_result(result("puts/s", (9_000.0,))).met is None


def test_chosen_numbers_have_no_idle_zeros() -> None:
    assert trimmed("≤ 10.0 ms, 0.05, 1.05 and 2.00") == "≤ 10 ms, 0.05, 1.05 and 2"


# -- the runs ------------------------------------------------------------------------------------------------------


def test_a_run_keeps_its_lines_and_where_they_come_from() -> None:
    found = measured(Run("put", "put", ("--size", "60", "--repeats", "1")), None)
    assert [line["operation"] for line in found["lines"]] == ["put, 10 floats", "put, 10 mixed features"]
    assert found["command"] == "python -m tests.bench.put --size 60 --repeats 1"
    assert set(found["environment"]) == {"python", "machine", "load"} and found["date"] >= "2026"


def test_a_run_that_fails_is_told_and_keeps_what_was_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("KEPT", "PAGE", "README"):
        copy = tmp_path / name
        copy.write_bytes(getattr(pages, name).read_bytes())
        monkeypatch.setattr(pages, name, copy)
    before = [path.read_bytes() for path in sorted(tmp_path.iterdir())]
    monkeypatch.setattr("tests.bench.__main__.RUNS", [Run("put", "no_such_benchmark")])
    assert main([]) == 1
    assert "put: exit code 1" in capsys.readouterr().out
    assert [path.read_bytes() for path in sorted(tmp_path.iterdir())] == before


def test_lines_are_written_only_where_asked(tmp_path: Path) -> None:
    write_lines(None, [Line("a", "b")])
    path = tmp_path / "lines.json"
    write_lines(path, [Line("a", "b", met=True)], more=nan)
    told = json.loads(path.read_text("utf-8"))
    assert told["lines"][0]["operation"] == "a" and "more" in told and told["environment"]["python"]


# -- the pages -----------------------------------------------------------------------------------------------------


def test_both_pages_are_what_was_measured() -> None:
    kept, readme = pages.read(), pages.README.read_text("utf-8")
    assert pages.PAGE.read_text("utf-8") == pages.page(kept)
    assert readme == with_table(readme, kept), "python -m tests.bench --table"
    assert readme.count(pages.BEGIN) == readme.count(pages.END) == 1


def test_every_run_was_made_as_it_is_written_and_every_headline_is_of_one() -> None:
    kept = pages.read()
    assert {name: found["command"] for name, found in kept.items()} == {run.name: run.command for run in RUNS}
    shown = table(kept)
    for name, run, operation in HEADLINES:
        (line,) = find(kept, run, operation)
        assert line["measured"] in shown and f"| {name} |" in shown


def test_a_missed_bar_is_not_hidden() -> None:
    line = {"users_bar": "≤ 1 ms", "bar": "≤ 2 us", "met": False}
    assert bars(line) == "*≤ 1 ms*, ≤ 2 us: **missed**"
    assert bars({**line, "met": True, "users_bar": ""}) == "≤ 2 us: met"
    assert bars({"users_bar": "", "bar": "", "met": None}) == ""
    kept = pages.read()
    below = [one["operation"] for run in kept.values() for one in run["lines"] if one["met"] is False]
    listed = [line for line in pages.README.read_text("utf-8").splitlines() if line.startswith("- ")]
    assert below and all(any(line.startswith(f"- {one}: ") for line in listed) for one in below)
