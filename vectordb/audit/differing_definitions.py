"""Differing definitions: what two states define, and how experiments stand in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from projections import Moments
from vectordb.audit.difference import (
    ADDED,
    CHANGED,
    REMOVED,
    DefinitionChange,
    Tally,
    TallyChange,
    field_changes,
    same_bits,
)

if TYPE_CHECKING:
    from projections import Tallies
    from vectordb.past import Past

SHELVES: Final = {
    "view": "views",
    "service": "services",
    "pipeline": "pipelines",
    "model": "models",
    "experiment": "experiments",
}
LEARNT: Final = ("pipeline", "rows", "target", "spine")  # of a fitted pipeline: offsets and versions aside


def definition_changes(before: Past, after: Past) -> Iterator[DefinitionChange]:
    """Definitions of one side only, and those whose fields differ; versions alone are no difference. 1 us each."""
    for kind, shelf_name in SHELVES.items():
        shelves = [getattr(past.state.catalog, shelf_name) for past in (before, after)]
        names = [shelf.names(past.as_of_offset) for shelf, past in zip(shelves, (before, after))]
        for name in dict.fromkeys([*names[0], *names[1]]):
            was, now = (shelf.find(name, past.as_of_offset) for shelf, past in zip(shelves, (before, after)))
            if was is not now and (change := _definition_change(kind, name, was, now)):
                yield change
    yield from _mark_changes(before, after)


def _definition_change(kind: str, name: str, was: Any, now: Any) -> DefinitionChange | None:
    if was is None:
        return DefinitionChange(kind, name, ADDED, None, now.version)
    if now is None:
        return DefinitionChange(kind, name, REMOVED, was.version, None)
    fields = field_changes(_said(kind, was), _said(kind, now))
    return DefinitionChange(kind, name, CHANGED, was.version, now.version, fields) if fields else None


def _said(kind: str, definition: Any) -> dict[str, Any]:
    data: dict[str, Any] = definition.to_json()
    if kind == "pipeline":
        return {name: data.get(name) for name in LEARNT}
    return {name: value for name, value in data.items() if name != "version"}


def _mark_changes(before: Past, after: Past) -> Iterator[DefinitionChange]:
    was, now = before.marks(), after.marks()
    for name in sorted(was.keys() ^ now.keys()):
        yield DefinitionChange("mark", name, REMOVED if name in was else ADDED, was.get(name), now.get(name))


def tally_changes(before: Past, after: Past, wanted: Callable[[str], bool]) -> Iterator[TallyChange]:
    """Arms of some experiments whose exposed units, or whose units and moments of a metric, differ.

    0.2 ms an arm and metric.
    """
    names = [past.state.catalog.experiments.names(past.as_of_offset) for past in (before, after)]
    for name in filter(wanted, dict.fromkeys([*names[0], *names[1]])):
        was, now = _tallies(before, name), _tallies(after, name)
        for metric in dict.fromkeys(["", *_metrics(was), *_metrics(now)]):
            one, other = _counts(was, metric), _counts(now, metric)
            for arm in dict.fromkeys([*one, *other]):
                if not same_bits(one.get(arm), other.get(arm)):
                    yield TallyChange(name, metric, arm, one.get(arm), other.get(arm))


def _tallies(past: Past, name: str) -> Tallies | None:
    if past.state.catalog.experiments.find(name, past.as_of_offset) is None:
        return None
    return past.state.experiments.tallies(name, past.as_of_offset)


def _metrics(tallies: Tallies | None) -> list[str]:
    return [] if tallies is None else list(tallies.definition.metrics)


def _counts(tallies: Tallies | None, metric: str) -> dict[str, Tally]:
    if tallies is None or (metric and metric not in tallies.definition.metrics):
        return {}
    if not metric:
        return {arm: Tally(units) for arm, units in tallies.exposed.items()}
    return {arm: _tally(moments) for arm, moments in tallies.moments(metric).items()}


def _tally(moments: Moments) -> Tally:
    return Tally(moments.size, moments.mean, moments.std)
