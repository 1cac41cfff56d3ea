"""Retention: what a compaction promised about the offsets below its bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.errors import Pruned

if TYPE_CHECKING:
    from ledger.log import Log


def check_kept(log: Log, offset: int) -> None:
    """Refuse an offset from before the bound of a compaction."""
    if offset < log.pruned:
        rule = "a read is as of an offset from which rows are kept"
        raise Pruned(rule, offset=offset, first=log.pruned, last=log.head)
