"""What a measurement shows: a Markdown table, JSON, and the command line that all benchmarks share."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.bench.harness import Bar, Benchmark, Figure, Result, kept_bytes, measure
from tests.bench.lines import of_result, write_lines
from tests.bench.machine import machine

Build = Callable[[int], Iterable[Benchmark]]
HEADINGS = (
    "operation",
    "unit",
    "user's bar",
    "our bar",
    "predicted",
    "ours",
    "met",
    "peers: figure, ours is times better (spread)",
)


def table(results: Iterable[Result]) -> str:
    """One Markdown table, a line an operation."""
    rows = [HEADINGS, ("---",) * len(HEADINGS), *map(_row, results)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def candidates(results: Iterable[Result]) -> str:
    """One line for what each candidate does, in Markdown."""
    lines = (
        f"- {result.benchmark.operation}; {one.name}: {one.does}"
        for result in results
        for one in result.figures
    )
    return "\n".join(dict.fromkeys(lines))


def _row(result: Result) -> tuple[str, ...]:
    benchmark = result.benchmark
    ours, *peers = result.figures
    predicted = "" if benchmark.predicted is None else f"{benchmark.predicted:,.0f}"
    return (
        benchmark.operation,
        benchmark.unit,
        _bar(benchmark.users_bar),
        _bar(benchmark.bar),
        predicted,
        f"**{_number(ours.median)}** ({_number(min(ours.values))}–{_number(max(ours.values))})",
        _verdict(result),
        "; ".join(map(_peer, peers)),
    )


def _bar(bar: Bar | None) -> str:
    return bar.text() if bar else ""


def _verdict(result: Result) -> str:
    bars = [bar for bar in (result.benchmark.users_bar, result.benchmark.bar) if bar is not None]
    return ", ".join("yes" if bar.met(result) else "no" for bar in bars)


def _peer(figure: Figure) -> str:
    better, low, high = (
        sorted(1 / part for part in figure.ratio)[1],
        1 / figure.ratio.high,
        1 / figure.ratio.low,
    )
    return f"{figure.name} {_number(figure.median)}, {better:.3g}x ({low:.3g}–{high:.3g})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def to_json(results: Iterable[Result]) -> dict[str, Any]:
    """Everything as plain data."""
    return {"results": list(map(_result_to_json, results))}


def _result_to_json(result: Result) -> dict[str, Any]:
    benchmark = result.benchmark
    bars = {"users_bar": benchmark.users_bar, "our_bar": benchmark.bar}
    return {
        "operation": benchmark.operation,
        "unit": benchmark.unit,
        "better": "less" if benchmark.meter is kept_bytes else "more",
        **{name: bar and {"text": bar.text(), "met": bar.met(result)} for name, bar in bars.items()},
        "predicted": benchmark.predicted,
        "candidates": [
            {
                "name": figure.name,
                "does": figure.does,
                "median": figure.median,
                "values": figure.values,
                "times_better_than_ours": figure.ratio._asdict(),
            }
            for figure in result.figures
        ],
    }


def measured(builds: Iterable[tuple[Build, int]], repeats: int | None = None) -> Iterator[Result]:
    """Measure benchmark after benchmark; what one has built is gone before the next."""
    for build, size in builds:
        for benchmark in build(size):
            yield measure(benchmark, repeats)


def main(builds: Iterable[tuple[Build, int]], arguments: list[str] | None = None) -> None:
    """The command line: ``--size``, ``--repeats``, ``--json PATH``."""
    parser = argparse.ArgumentParser(description="Measure and print a Markdown table.")
    parser.add_argument("--size", type=int, help="events or rows (default: the full size of each benchmark)")
    parser.add_argument("--repeats", type=int, help="measured rounds after one that warms up")
    parser.add_argument("--json", type=Path, metavar="PATH", help="also write every figure as JSON")
    options = parser.parse_args(arguments)
    before = machine()
    sized = [(build, options.size or size) for build, size in builds]
    results = list(measured(sized, options.repeats))
    print(table(results), candidates(results), sep="\n\n")
    print(
        f"\n{before['python']}; {before['machine']}; load {before['load']} before, {machine()['load']} after."
    )
    write_lines(options.json, map(of_result, results), **to_json(results))
