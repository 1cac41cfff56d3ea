"""Statistics and drift as text: a line a feature, for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from vectordb.views.drift import FeatureDrift, ViewDrift
    from vectordb.views.statistics import FeatureStatistics, ViewStatistics

COUNTS: Final = ("present", "null", "missing", "expired")
TOP: Final = 3  # categories of a line
WIDEST: Final = 40  # characters of one thing in a line
VALUES: Final = ("mean", "std", "min", "max", "min_length", "mean_length", "max_length", "mean_norm")
DISTANCES: Final = ("psi", "js", "ks", "ks_p_value", "wasserstein")


def statistics_text(view: ViewStatistics) -> str:
    """The statistics of a view: what was read, then how many entities have each feature, and its values in short."""
    read = f"{view.label}: {view.entities:,} entities, as of {view.as_of}, {view.at.isoformat()}"
    rows = [("feature", "type", *COUNTS, "values"), *map(_statistics, view.features.values())]
    return "\n".join([read, *_table(rows)])


def _statistics(one: FeatureStatistics) -> tuple[str, ...]:
    told = _named(one, VALUES)
    top = getattr(one, "top", ())
    if top:
        distinct: int = getattr(one, "distinct", 0)
        more = f", ... ({distinct:,} distinct)" if distinct > TOP else ""
        told = ", ".join(f"{_short(category)}: {count:,}" for category, count in top[:TOP]) + more
    return (one.feature, one.type, *(f"{getattr(one, name):,}" for name in COUNTS), told)


def drift_text(view: ViewDrift) -> str:
    """The drift of a view: the two readings, then the shares of each feature that moved, and how far its values did."""
    then = f"{view.since_label}, {view.since_entities:,} entities, as of {view.since}"
    now = f"{view.label}, {view.entities:,} entities, as of {view.as_of}"
    rows = [("feature", "type", "present", "values"), *map(_drift, view.features.values())]
    rest = [f"  {name}: {', '.join(told)}" for name in ("added", "removed", "retyped") if (told := getattr(view, name))]
    return "\n".join([f"{then} -> {now}", *_table(rows), *rest])


def _drift(one: FeatureDrift) -> tuple[str, ...]:
    came = [f"{name} {', '.join(map(_short, told[:TOP]))}{', ...' if len(told) > TOP else ''}"
            for name in ("new", "gone") if (told := getattr(one, name, ()))]  # fmt: skip
    told = "; ".join(filter(None, [_named(one, DISTANCES), *came]))
    return one.feature, one.type, f"{one.then.present:.1%} -> {one.now.present:.1%}", told


def _named(one: Any, names: Iterable[str]) -> str:
    held = ((name, getattr(one, name, None)) for name in names)
    return ", ".join(f"{name.replace('_', ' ')} {_short(value)}" for name, value in held if value is not None)


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    text = value.isoformat() if isinstance(value, datetime) else repr(value)
    return text if len(text) <= WIDEST else f"{text[:WIDEST]}..."


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows with their columns one below the other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  " + "  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
