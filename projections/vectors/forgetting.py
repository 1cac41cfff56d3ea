"""Forgetting: vectors that have to be gone, now and as of every offset.

A lane keeps its number; what it held is replaced, never written over, so that a search at work ends on what it
took. What was **counted from many vectors** stays in an index: centres, axes, the scale and radius of the bytes
(the least and greatest element and the greatest length of a sample), promises, and the number of the cluster of every
lane. Where so few vectors are left in a cluster that its centre could tell one of them, the index is given up.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from copy import copy
from typing import NamedTuple

from projections.vectors.build import sample_size
from projections.vectors.index import Index

ALONE = 10  # vectors of the sample, in the cluster of one that is forgotten


class Forgotten(NamedTuple):
    """How many vectors were forgotten, and the slots of the fields whose index was given up for it."""

    vectors: int
    unindexed: tuple[int, ...] = ()


def index_without(
    index: Index, gone: Sequence[int], forgotten: Sequence[int], with_deaths: bool = True
) -> Index | None:
    """An index in which the lanes ``gone`` are dead as of every offset; None where it has to be built again.

    ``forgotten`` are these, and those that were before. Segments are copied, and of those with such lanes the planes:
    1 ms for one of 16,000 lanes. ``with_deaths`` False leaves out all deaths, for a fold that brings them again.
    """
    by_cluster: dict[int, list[int]] = {}
    for lane in gone:
        if lane < index.count:
            by_cluster.setdefault(index.homes[lane], []).append(lane)
    fresh = copy(index)
    fresh.clusters = [
        [segment.without(by_cluster.get(cluster, ()), with_deaths) for segment in group]
        for cluster, group in enumerate(index.clusters)
    ]
    left = set(gone)
    fresh.longer = array("q", [lane for lane in index.longer if lane not in left])
    trained_on = ALONE * max(1, index.built // sample_size(index.trained.scale.kind.dim))
    empty = Counter(index.homes[lane] for lane in forgotten if lane < index.count)
    few = any(sum(map(len, index.clusters[own])) - empty[own] < trained_on for own in by_cluster)  # ints
    return None if few else fresh


def deaths_without(
    death_lanes: array[int], death_offsets: array[int], gone: Sequence[int]
) -> tuple[array[int], array[int]]:
    """The deaths of a field when some lanes (with those forgotten before) have died at offset 0."""
    left = set(gone)
    kept = [item for item in zip(death_lanes, death_offsets) if item[0] not in left]
    lanes, offsets = array("q", gone), array("q", bytes(8 * len(gone)))
    lanes.extend(lane for lane, _ in kept)
    offsets.extend(offset for _, offset in kept)
    return lanes, offsets
