"""What an experiment takes of a layer, the naive way."""

from __future__ import annotations

from collections.abc import Set

from ledger import SEGMENTS
from vectordb.experiments.bucketing import Hasher


def naive_take(taken: Set[int], share: float, seed: str) -> set[int]:
    """The first segments that nobody has, in the order of their digests under the seed."""
    free = [number for number in range(SEGMENTS) if number not in taken]
    free.sort(key=Hasher(seed).digest)
    wanted = round(share * SEGMENTS)
    assert wanted <= len(free)
    return set(free[:wanted])
