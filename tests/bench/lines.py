"""Lines of the table of all measurements: what was done, the bars, what came out, and what stood beside it, as text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from math import floor, log10
from pathlib import Path
from typing import Any

from tests.bench.harness import Bar, Figure, Result, kept_bytes
from tests.bench.machine import machine

RATE_FROM = 5_000  # fewer a second than this read better as a time
UNITS = ((1e-6, 1e9, "ns"), (1e-3, 1e6, "us"), (1.0, 1e3, "ms"), (float("inf"), 1.0, "s"))


@dataclass(frozen=True)
class Line:
    """One line. ``met`` is whether all of its bars are; None where it has none."""

    operation: str
    measured: str
    bar: str = ""
    users_bar: str = ""
    met: bool | None = None
    beside: str = ""
    spread: str = ""  # the extremes of the rounds


def write_lines(path: Path | None, lines: Iterable[Line], **more: Any) -> None:
    """The lines, the machine, and whatever else there is to keep, as JSON; nothing where no path is given."""
    if path is not None:
        report = {"environment": machine(), "lines": [asdict(line) for line in lines], **more}
        path.write_text(json.dumps(report, indent=1) + "\n", "utf-8")


def figures(value: float) -> str:
    """Three figures; whole numbers from a hundred on."""
    if value == 0:
        return "0"
    digits = 2 - floor(log10(abs(value)))
    rounded = round(value, digits)
    return f"{rounded:,.{max(0, digits)}f}" if abs(rounded) < 100 else f"{rounded:,.0f}"


def seconds(value: float) -> str:
    """A time in the unit that suits it: ns, us, ms or s."""
    factor, unit = next((factor, unit) for below, factor, unit in UNITS if value < below)
    return f"{figures(value * factor)} {unit}"


def trimmed(text: str) -> str:
    """Without zeros that say nothing where a number was chosen, not measured: 10 ms, not 10.0 ms."""
    return re.sub(r"\.0+(?!\d)", "", text)


def of_result(result: Result) -> Line:
    """The line of a benchmark: rates as they are, few a second as times; peers with how many times better ours is."""
    benchmark, (ours, *peers) = result.benchmark, result.figures
    bars = [bar for bar in (benchmark.users_bar, benchmark.bar) if bar is not None]
    shown = _Shown(benchmark.unit, ours.median, benchmark.meter is kept_bytes)
    low, high = sorted((min(ours.values), max(ours.values)), reverse=shown.as_time)
    return Line(
        benchmark.operation,
        ("" if ours.name == "ours" else f"{ours.name}: ") + shown.with_noun(ours.median),
        _bar(benchmark.bar, shown),
        _bar(benchmark.users_bar, shown),
        all(bar.met(result) for bar in bars) if bars else None,
        "; ".join(_peer(figure, shown) for figure in peers),
        f"{shown(low)} to {shown(high)}" if low != high else "",
    )


class _Shown:
    """How the values of one line are written: all in the same way."""

    def __init__(self, unit: str, ours: float, kept: bool) -> None:
        self.unit = unit
        self.as_time = unit.endswith("/s") and not kept and ours < RATE_FROM

    def __call__(self, value: float) -> str:
        if self.as_time:
            return seconds(1 / value)
        if self.unit.endswith("/s"):
            return f"{figures(value)}/s"
        return f"{figures(value)} {self.unit}"

    def with_noun(self, value: float) -> str:
        """With what is counted."""
        return self(value).replace("/s", f" {self.unit}") if self.unit.endswith("/s") else self(value)


def _bar(bar: Bar | None, shown: _Shown) -> str:
    if bar is None or bar.limit == 0:
        return ""
    if bar.kind == "within":
        return bar.text()
    least = (bar.kind == "at least") != shown.as_time
    return f"{'≥' if least else '≤'} {trimmed(shown(bar.limit))}"


def _peer(figure: Figure, shown: _Shown) -> str:
    return f"{figure.name} {shown(figure.median)} ({figures(1 / figure.ratio.median)}x)"
