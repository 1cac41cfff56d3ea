"""The canonical form of vectors: what a search sees, as plain data that two folds can be compared by."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import NamedTuple

from ledger import ABSENT, NULL, ROW_BITS, word_at
from projections import Field, Vectors

CHUNK = 4_096  # lanes whose bytes are fetched together


class CanonicalVector(NamedTuple):
    """One vector that was written: its reference (offset << 24 | row), from which it is alive; the offset at which it
    died (None: it lives); whether filters doubt what was written with it; and the first 16 bytes of the SHA-256 of
    its stored bytes, in hex."""

    ref: int
    until: int | None
    disturbed: bool
    digest: str


def canonical(vectors: Vectors) -> dict[str, dict[int, list[CanonicalVector]]]:
    """By view and slot, every vector in log order, without the forgotten and the gaps of batches. 2 us a vector.

    Equal for a projection folded as events came, one loaded from a checkpoint, and one folded afresh; the numbers of
    lanes, which differ after forgetting, and the index, which the log does not determine, are not in it.
    """
    return {
        view: {slot: list(_of_field(field)) for slot, field in sorted(fields.items())}
        for view, fields in sorted(vectors.fields.items())
    }


def _of_field(field: Field) -> Iterator[CanonicalVector]:
    lanes, size = field.lanes, field.kind.size
    died = dict(zip(field.death_lanes, field.death_offsets))
    disturbed = set(field.restless)
    for start in range(0, len(lanes), CHUNK):
        stop = min(len(lanes), start + CHUNK)
        data = lanes.raw(start, stop)
        for place, lane in enumerate(range(start, stop)):
            until = died.get(lane)
            if until == 0:  # forgotten
                continue
            ref = lanes.ref(lane)
            if until != ref >> ROW_BITS or word_at(field.log.row(ref), field.slot) not in (ABSENT, NULL):
                digest = sha256(data[place * size : (place + 1) * size]).hexdigest()[:32]
                yield CanonicalVector(ref, until, lane in disturbed, digest)
