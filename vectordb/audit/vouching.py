"""Vouching: every line of a log that was rewritten is named by the event that rewrote it, with what is left of it."""

from __future__ import annotations

from typing import Final

from ledger import REDACTED_FACTS, DamagedLog, EventPruned, Log, Settlement, VectorDBError, Vouching
from vectordb.audit.report import Check, Deviation

NAME: Final = "rewritten lines"


def vouched(log: Log) -> Check:
    """Goes through the whole log: what says that a line was rewritten comes after it. 50 ns an event in memory."""
    settlement = Settlement(log.chain)
    count = offset = 0
    try:
        for event in log.events_like((*REDACTED_FACTS, EventPruned, Vouching)):
            count, offset = count + 1, event.offset
            if (offset in log.chain.redacted) is not (event.fact.redaction is not None):
                return Check(NAME, count, Deviation(f"line {offset + 1}", "redacted, and says so", event.fact))
            settlement.note(event, offset + 1)
        settlement.finish(log.head + 1, log.pruned)
    except DamagedLog as error:
        return Check(NAME, count, Deviation(NAME, "each named by the event that rewrote it", error))
    except (VectorDBError, LookupError, ValueError) as error:
        return Check(NAME, count, Deviation(f"event {offset + 1} or after", "an event that can be read", error))
    return Check(NAME, count)
