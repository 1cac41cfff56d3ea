"""Results as text for people: small tables, aligned, a line for each warning."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from vectordb.experiments.analysis import Analysis, ArmEffect
    from vectordb.experiments.scorecard import Scorecard

NOTHING: Final = "-"
ARMS: Final = ("arm", "weight", "exposed", "n", "mean", "deviation")

Row = Sequence[str]


def analysis_text(found: Analysis) -> str:
    """An analysis: its arms, each effect against the control, and what to beware of."""
    shown = f"{found.metric} ({found.aggregate}{f' over {found.over}' if found.over else ''})"
    lines = [f"{found.experiment}: {shown} as of offset {found.as_of}, {found.method}"]
    lines += ["", *table(ARMS, [
        [arm.arm, number(arm.weight), f"{arm.exposed:,}", f"{arm.n:,}", number(arm.mean), number(arm.deviation)]
        for arm in found.arms])]  # fmt: skip
    head = (f"against {found.control.arm}", "effect", "estimate", interval_head(found.alpha), "p")
    if found.effects:
        lines += ["", *table(head, [row for one in found.effects for row in _effect_rows(one)], 2)]
    if found.segments is not None:
        lines += ["", *_segments(found, head)]
    return "\n".join([*lines, *_remarks(found)])


def _effect_rows(one: ArmEffect) -> Iterator[Row]:
    absolute, relative, valid = one.absolute, one.relative, one.always_valid
    yield one.arm, "absolute", number(absolute.estimate), interval(absolute.low, absolute.high), p_text(one.p)
    if valid is not None:
        yield "", "always valid", "", interval(valid.low, valid.high), p_text(valid.p)
    ends = interval(relative.low, relative.high, 100)
    yield "", "relative, %", number(relative.estimate, 100), ends, p_text(relative.p_value)


def _segments(found: Analysis, head: Row) -> list[str]:
    assert found.segments is not None
    tests = iter(found.segments.tests.tests)
    rows = [
        [str(part.value), one.arm, f"{one.n:,}", number(one.absolute.estimate),
         interval(one.absolute.low, one.absolute.high), p_text(one.p), p_text(next(tests).holm)]
        for part in found.segments.segments for one in part.analysis.effects
    ]  # fmt: skip
    return table((found.segments.feature, head[0], "n", "absolute", head[3], "p", "Holm"), rows, 2)


def _remarks(found: Analysis) -> list[str]:
    """What else there is to say: counts above 0, the sample ratio, why something is missing, warnings."""
    names = ("conflicted", "forced", "excluded")
    counts = [f"{getattr(found, name):,} {name}" for name in names if getattr(found, name)]
    lines = ["", ", ".join([f"{found.exposed:,} exposed", *counts, f"{found.outcomes:,} outcomes"])]
    if found.sample_ratio is not None:
        lines[-1] += f"; sample ratio p {p_text(found.sample_ratio.p)}"
    for one in found.effects:
        why = {effect.undefined: None for effect in (one.absolute, one.relative) if effect.undefined}
        lines += [f"note: {one.arm}: {text}" for text in why]
    return [*lines, *(f"warning: {text}" for text in found.warnings)]


def scorecard_text(card: Scorecard) -> str:
    """A scorecard: every metric and guardrail in every arm, and which arms ship."""
    lines = [f"{card.experiment} as of offset {card.as_of}"]
    tests, ends = iter(card.tests.tests), interval_head(card.alpha)
    rows = [
        [found.metric, one.arm, number(one.absolute.estimate), interval(one.absolute.low, one.absolute.high),
         number(one.relative.estimate, 100), p_text(one.p), p_text(next(tests).holm)]
        for found in card.metrics for one in found.effects
    ]  # fmt: skip
    if rows:
        lines += ["", *table(("metric", "arm", "absolute", ends, "relative, %", "p", "Holm"), rows, 2)]
    rails = [
        [one.metric, one.arm, number(one.margin), number(None if one.test is None else one.test.effect),
         number(None if one.test is None else one.test.bound), "yes" if one.passes else "no"]
        for one in card.guardrails
    ]  # fmt: skip
    if rails:
        lines += ["", *table(("guardrail", "arm", "margin", "absolute", "bound", "passes"), rails, 2)]
    lines += ["", f"ships: {', '.join(card.ships) or 'no arm'}"]
    return "\n".join([*lines, *(f"warning: {text}" for text in card.warnings)])


def table(head: Row, rows: Sequence[Row], left: int = 1) -> list[str]:
    """Lines in columns, the first ``left`` of them aligned left, the others right.

    >>> table(("arm", "n"), [("control", "8"), ("b", "12")])
    ['arm       n', 'control   8', 'b        12']
    """
    widths = [max(map(len, column)) for column in zip(head, *rows)]
    return [
        "  ".join(
            cell.ljust(width) if place < left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths))
        ).rstrip()
        for row in (head, *rows)
    ]


def number(value: float | None, times: int = 1) -> str:
    """Four significant digits, from ten thousand on every digit before the point; what is not known is a dash.

    >>> [number(value) for value in (0.5, -0.0123456, 123.456, 1234567.8, 1e-9, None)]
    ['0.5', '-0.01235', '123.5', '1,234,568', '1e-09', '-']
    """
    if value is None:
        return NOTHING
    value = times * value + 0.0  # a zero has no sign
    return f"{value:,.0f}" if 9_999.5 <= abs(value) < 1e15 else f"{value:.4g}"


def p_text(value: float | None) -> str:
    """A p-value with three digits."""
    return NOTHING if value is None else f"{value:.3g}"


def interval(low: float | None, high: float | None, times: int = 1) -> str:
    """The ends of an interval."""
    return NOTHING if low is None and high is None else f"{number(low, times)} .. {number(high, times)}"


def interval_head(alpha: float) -> str:
    """What an interval is called.

    >>> interval_head(0.05), interval_head(0.001)
    ('95 % interval', '99.9 % interval')
    """
    return f"{100 * (1 - alpha):.6g} % interval"
