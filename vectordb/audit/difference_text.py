"""The text of a difference: lines for people."""

from __future__ import annotations

from collections.abc import Iterator
from json import dumps
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from vectordb.audit.difference import (
        CellChange,
        DefinitionChange,
        Difference,
        FieldChange,
        NeighbourChange,
        PredictionChange,
        RowChange,
        Tally,
        TallyChange,
    )

SIGNS: Final = {"added": "+", "removed": "-", "changed": "~"}
NOUNS: Final = {
    "definitions": "definition",
    "rows": "row",
    "predictions": "prediction",
    "neighbours": "query",
    "tallies": "tally",
}
MANY: Final = {"query": "queries", "tally": "tallies"}
WIDEST: Final = 60
CELLS: Final = 8


def text_of(difference: Difference) -> str:
    """The whole text: a line of counts, then each section that is not empty."""
    parts = [_count(count, NOUNS[name]) for name, count in difference.counts.items() if count]
    lines = [f"{difference.before} -> {difference.after}: {', '.join(parts) or 'no difference'}"]
    lines += _section("definitions", map(_definition, difference.definitions))
    for view, rows in difference.views().items():
        lines += _section(f"rows of {view}", map(_row, rows))
    lines += _section("predictions", map(_prediction, difference.predictions))
    lines += _section("neighbours", map(_neighbour, difference.neighbours))
    lines += _section("tallies", map(_tally, difference.tallies))
    left = sum(difference.totals) - sum(len(getattr(difference, name)) for name in NOUNS)  # ints
    return "\n".join([*lines, f"({left} more)"] if left else lines)


def _count(count: int, noun: str) -> str:
    return f"{count} {noun if count == 1 else MANY.get(noun, noun + 's')}"


def _section(title: str, lines: Iterator[str]) -> list[str]:
    found = [f"  {line}" for line in lines]
    return [title, *found] if found else []


def _definition(one: DefinitionChange) -> str:
    return _joined(f"{SIGNS[one.change]} {one.kind} {one.name}", map(_field, one.fields))


def _row(one: RowChange) -> str:
    return _joined(f"{SIGNS[one.change]} {shown(one.entity)}", (_cell(cell, one.change) for cell in one.cells))


def _prediction(one: PredictionChange) -> str:
    parts = [*map(_field, one.fields), *(_cell(cell, "changed") for cell in one.inputs)]
    name = " -> ".join(dict.fromkeys(side for side in (one.before, one.after) if side is not None))
    return _joined(f"{SIGNS[one.change]} {name}", iter(parts))


def _neighbour(one: NeighbourChange) -> str:
    parts = [f"+{shown(entity)} at {distance:.6g}" for entity, distance in one.entered]
    parts += [f"-{shown(entity)} at {distance:.6g}" for entity, distance in one.left]
    parts += [f"{shown(entity)} {before:.6g} -> {after:.6g}" for entity, before, after in one.moved]
    return _joined(f"~ query {one.query} of {one.view}:{one.feature}", iter(parts))


def _tally(one: TallyChange) -> str:
    what = f"{one.metric} of {one.arm}" if one.metric else f"exposed to {one.arm}"
    return f"~ {one.experiment}: {what} {_counted(one.before)} -> {_counted(one.after)}"


def _counted(tally: Tally | None) -> str:
    if tally is None:
        return "none"
    return str(tally.units) if tally.mean is None else f"{tally.units} (mean {tally.mean:.6g})"


def _field(one: FieldChange) -> str:
    return f"{one.field} {shown(one.before)} -> {shown(one.after)}"


def _cell(one: CellChange, change: str) -> str:
    before, after = _value(one.before, one.status_before), _value(one.after, one.status_after)
    if change == "changed":
        return f"{one.feature} {before} -> {after}"
    return f"{one.feature} {after if change == 'added' else before}"


def _value(value: Any, status: str) -> str:
    return shown(value) if status == "present" else status


def _joined(head: str, parts: Iterator[str]) -> str:
    found = list(parts)
    more = [f"and {len(found) - CELLS} more"] if len(found) > CELLS else []
    return f"{head}  {', '.join([*found[:CELLS], *more])}" if found else head


def shown(value: Any) -> str:
    """A value in few characters."""
    text = dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
    return text if len(text) <= WIDEST else f"{text[:WIDEST]}..."
