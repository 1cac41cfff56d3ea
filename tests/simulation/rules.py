"""Rules of reading and writing that an entity's story may meet, and the pairs that a run must have met."""

from __future__ import annotations

from itertools import combinations

READ_RULES = ("as_of", "at", "expired", "follower", "fork", "served")
WRITE_RULES = (
    "late", "future", "partial", "complete", "null", "delete", "redefine", "batch", "twice", "retry", "refused",
    "transaction", "clock_back", "expected", "derived", "erase", "compact",
    "fitted", "predicted", "exposed", "outcome", "restart", "fault",
)  # fmt: skip
NEVER = {frozenset(("follower", "fork"))}  # each is a reader of its own
RULES = WRITE_RULES + READ_RULES


def required_pairs() -> set[frozenset[str]]:
    """Every pair of rules; a read is as of an offset or at a time of its own, but both may hold."""
    return {frozenset(pair) for pair in combinations(RULES, 2)} - NEVER
