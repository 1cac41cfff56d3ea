"""Every benchmark runs at smoke size, its candidates agree, and the bars of the user are met."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.bench.__main__ import BUILDS, MODULES
from tests.bench.harness import Bar, Benchmark, Candidate, Disagreement, kept_bytes, measure
from tests.bench.report import main, measured, table, to_json

SMOKE = 200


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_every_benchmark_runs_and_its_candidates_agree(module: Any) -> None:
    results = list(measured([(build, SMOKE) for build, _ in module.BUILDS], repeats=2))
    assert results
    for result in results:
        assert all(value > 0 for figure in result.figures for value in figure.values)
        users_bar = result.benchmark.users_bar
        assert users_bar is None or users_bar.met(result), (
            result.benchmark.operation,
            result.figures[0].values,
        )


def test_all_modules_are_in_the_one_command() -> None:
    assert len(BUILDS) >= len(MODULES)
    assert {build.__module__ for build, _ in BUILDS} == {module.__name__ for module in MODULES}


def one(
    name: str, answer: Any = 1, units: int = 10, run: Any = lambda prepared: sorted(range(1000))
) -> Candidate:
    return Candidate(name, "sorts", units, run, answer=lambda prepared, result: answer)


def test_a_candidate_with_another_answer_ends_the_measurement() -> None:
    with pytest.raises(Disagreement, match="first and second differ"):
        measure(Benchmark("sort", "sorts/s", [one("first"), one("second", answer=2)]))


def test_rounds_are_interleaved_and_the_first_one_is_left_out() -> None:
    order: list[str] = []
    names = ["a", "b", "c"]
    candidates = [one(name, run=lambda prepared, name=name: order.append(name)) for name in names]
    result = measure(Benchmark("sort", "sorts/s", candidates), repeats=2)
    assert order == ["a", "b", "c", "b", "c", "a", "c", "a", "b"]
    assert [len(figure.values) for figure in result.figures] == [2, 2, 2]


def test_everything_is_closed_when_a_candidate_fails() -> None:
    closed: list[Any] = []

    def fail(prepared: Any) -> None:
        raise ArithmeticError

    candidate = Candidate(
        "first", "fails", 1, fail, lambda: "it", close=lambda prepared, result: closed.append(prepared)
    )
    with pytest.raises(ArithmeticError):
        measure(Benchmark("fail", "a/s", [candidate]))
    assert closed == ["it"]


def test_kept_bytes_counts_what_the_result_keeps() -> None:
    candidates = [
        one("first", run=lambda prepared: bytes(100_000)),
        one("second", run=lambda prepared: bytes(50_000)),
    ]
    result = measure(
        Benchmark("keep", "B", candidates, meter=kept_bytes, at_most_once=True, bar=Bar(11_000, "at most"))
    )
    ours, other = result.figures
    assert 10_000 <= ours.median < 10_200
    assert 5_000 <= other.median < 5_200
    assert other.ratio.median == pytest.approx(2, rel=0.05)
    assert result.benchmark.bar is not None and result.benchmark.bar.met(result)


@pytest.mark.parametrize(
    ("bar", "met"),
    [
        (Bar(1), True),
        (Bar(1e15), False),
        (Bar(1e6, "within", "second"), True),
        (Bar(0, "within", "second"), False),
    ],
)
def test_bars(bar: Bar, met: bool) -> None:
    result = measure(Benchmark("sort", "sorts/s", [one("first"), one("second")], bar=bar), repeats=1)
    assert bar.met(result) is met
    assert ("yes" if met else "no") in table([result])
    assert to_json([result])["results"][0]["our_bar"]["met"] is met


def test_the_command_prints_one_table_and_writes_json(tmp_path: Any, capsys: Any) -> None:
    benchmark = Benchmark("sort", "sorts/s", [one("first"), one("second")], users_bar=Bar(1), predicted=5)
    path = tmp_path / "figures.json"
    main([(lambda size: [benchmark], 10)], ["--repeats", "2", "--json", str(path)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith("| sort | sorts/s | ≥ 1 |")
    assert lines[0].count("|") == lines[2].count("|")
    data = json.loads(path.read_text("utf-8"))
    assert [len(candidate["values"]) for candidate in data["results"][0]["candidates"]] == [2, 2]
