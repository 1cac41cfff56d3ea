"""Fits: which versions of rows a fitted pipeline learnt from.

A fit records the offset and the clock that it read at, not the rows. A version was read by one iff it gave a value
that the service reads then. A fit on moments reads the past of entities that are not stored (only their digest is):
every version of its views that was known at its offset may have been read. So it is of a fit
from before a compaction, whose read cannot be done again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ledger import ABSENT, ROW_BITS, Erased, FeatureRef, FittedPipeline, Pruned, source_at, word_at
from vectordb.lineage.nodes import Link

if TYPE_CHECKING:
    from vectordb.state import State


def links_of_fits(state: State, ref: int, fits: Sequence[tuple[int, FittedPipeline]]) -> Iterator[Link]:
    """The edges from a version to those of some pipelines that were fitted on it. 4 us a fit of its view."""
    later = [(offset, fitted) for offset, fitted in fits if ref >> ROW_BITS <= fitted.as_of]
    if not later:
        return
    try:
        view, _ = state.log.owner(ref)
    except (Erased, Pruned):
        return
    for offset, fitted in later:
        if view in {label.partition("@")[0] for label in fitted.views}:
            kind = _kind(state, fitted, view, ref)
            if kind:
                yield Link(ref, f"pipeline:{fitted.label}", kind, fitted.pipeline["type"], offset)


def _kind(state: State, fitted: FittedPipeline, view: str, ref: int) -> str:
    if fitted.spine or fitted.as_of < state.log.pruned or fitted.at < state.rows.floor:
        return "may be fitted"
    return "fitted" if _is_read(state, fitted, view, ref) else ""


def _is_read(state: State, fitted: FittedPipeline, view: str, ref: int) -> bool:
    """Whether a feature of the service showed the value of this version at the fit's offset and clock."""
    _, entity = state.log.owner(ref)
    packed = state.past_row(view, entity, fitted.as_of, fitted.at)
    if packed is None:
        return False
    name, _, version = fitted.service.partition("@")
    plan = state.plan(view, fitted.as_of)
    for item in state.catalog.services.version(name, int(version)).features:
        if isinstance(item, FeatureRef) and item.view == view:
            place = plan.slot(item.feature).place
            if word_at(packed, place) != ABSENT and source_at(packed, place)[0] == ref:
                return True
    return False
