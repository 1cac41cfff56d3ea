"""Dependents: what was made of some rows; what a report of an erasure lists, before their values are destroyed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from vectordb.lineage.impact import Impact, find_impact
from vectordb.lineage.links import Links

if TYPE_CHECKING:
    from vectordb.reader import Reader


def dependents(reader: Reader, refs: Iterable[int]) -> Impact:
    """What depends on the rows of some references, at first hand or through others, as of the reader.

    Versions derived from them, pipelines fitted on them, training sets that hold them, models that name those sets,
    predictions that read any of these, and experiments, as ``Impact.of`` the number of references. A pipeline that was
    fitted on moments counts when it may have read one. A model counts for the training sets that name it alone.
    Entities of erased rows are no longer known, so fits of those are not found: ask before.
    """
    starts = list(dict.fromkeys(refs))
    limit = reader.consistently(lambda: reader.as_of_offset)
    return reader.state.read_past(lambda: find_impact(Links(reader.state, limit), len(starts), starts))
