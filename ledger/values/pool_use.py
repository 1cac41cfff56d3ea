"""Which categories of the pool the rows of a log still name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ledger.values.block import Block
from ledger.values.pool import BLANK
from ledger.values.rows import word_at

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
    """Forget those of some categories that no row names any more.

    While forks share the pool, or a transaction is open, they are noted for later.
    """
    pool = log.layouts.pool
    pool.pending |= codes | pool.refused
    pool.refused = set()
    if len(pool.logs) > 1 or len(pool.holders) or not pool.pending:
        return
    if pool.blank(_unused(log, pool.pending)):
        pool.pending = set()


def named(log: Log) -> list[str | int]:
    """The categories by code, without those whose rows were erased while a fork went on naming them."""
    pool = log.layouts.pool
    values = list(pool.values_by_code)
    for code in _unused(log, pool.pending) if pool.pending else ():
        values[code] = BLANK
    return values


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
