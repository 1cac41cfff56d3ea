"""Which categories of the pool the rows of a log still name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ledger.block import Block
from ledger.rows import word_at

if TYPE_CHECKING:
    from ledger.log import Log


def codes_at(log: Log, offsets: Iterable[int]) -> set[int]:
    """The category codes in the rows of some events; none is looked at where no view has categories."""
    if not _coded(log):
        return set()
    return {code for offset in offsets for code in _codes_of(log, log.event(offset).fact.blocks())}


def _coded(log: Log) -> set[str]:
    """The views with categories."""
    return {view for view in log.layouts.counts() if log.layouts.coded_slots(view)}


def _codes_of(log: Log, blocks: Iterable[Block]) -> set[int]:
    """The category codes in some blocks. 0.3 us a row and category feature."""
    found: set[int] = set()
    for block in blocks:
        for slot in log.layouts.coded_slots(block.layout.view):
            found.update(word_at(row, slot) for row in block.rows)
    return found


def blank_unused(log: Log, codes: set[int]) -> None:
    """Forget those of some categories that no row names any more; while forks share the pool, note them for later."""
    pool = log.layouts.pool
    pool.pending |= codes
    if len(pool.logs) > 1 or not pool.pending:
        return
    pool.blank(_unused(log, pool.pending))
    pool.pending = set()


def _unused(log: Log, codes: set[int]) -> set[int]:
    """Those of some codes that no row of the log has. Stops as soon as each was seen."""
    left = {code for code in codes if 0 <= code < len(log.layouts.pool.values_by_code)}
    coded = _coded(log)
    for offset in range(log.head, 0, -1):
        if not left:
            break
        fact = log.event(offset).fact
        if coded.intersection(fact.views):
            left -= _codes_of(log, fact.blocks())
    return left
