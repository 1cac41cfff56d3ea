"""The dump of a field and its index: bytes for a checkpoint, and back. Plain data, never code.

The vectors themselves stay in the log; a run of lanes names the event that holds its bytes. The planes are in
the dump, so a million vectors reopen without a build. A count that the blobs do not bear out is refused before
anything is made of it: a dump of a few bytes takes no memory and no time, whatever it says.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Any

from ledger import ROW_BITS, ROW_MASK, Log, Vector
from projections.blobs import join_blobs, split_blobs
from projections.vectors.bytescale import ByteScale, table_of
from projections.vectors.calibration import Effort, Promise
from projections.vectors.field import Field
from projections.vectors.index import Index, Trained
from projections.vectors.lanes import FORGOTTEN, SINGLES
from projections.vectors.quantiser import Axis, Quantiser
from projections.vectors.segment import Sealed, Segment
from projections.vectors.training import Centres


def dump_field(field: Field) -> bytes:
    """The state of a field. 0.2 s for a million vectors of 128 dimensions."""
    blobs: list[bytes] = [item.tobytes() for item in (*field.lanes.runs(), field.death_lanes, field.death_offsets)]
    blobs.append(field.restless.tobytes())
    head = {"count": len(field.lanes), "index": None if field.index is None else _index_head(field.index, blobs)}
    return join_blobs(head, blobs)


def load_field(log: Log, view: str, slot: int, kind: Vector, state: bytes) -> Field:
    """The field of a dump, over the same log."""
    head, blobs = split_blobs(state)
    field = Field(log, view, slot, kind)
    starts, refs, forms = array("q", next(blobs)), array("q", next(blobs)), next(blobs)
    _check_runs(log, starts, refs, forms, head["count"])
    field.lanes.load(starts, refs, forms, head["count"])
    lanes, offsets, restless = (array("q", next(blobs)) for _ in range(3))
    for named in (lanes, restless):
        _check(min(named, default=0) >= 0 and max(named, default=-1) < head["count"], "a lane is one of the field's")
    _check(len(lanes) == len(offsets), "a death has a lane and an offset")
    field.load(lanes, offsets, restless)
    if head["index"] is not None:
        field.index = _index(kind, head["index"], blobs)
    return field


def _check(holds: bool, rule: str) -> None:
    if not holds:
        raise ValueError(rule)


def _check_runs(log: Log, starts: array[int], refs: array[int], forms: bytes, count: int) -> None:
    """Runs are as long as what they name in the log. The bytes of batches are looked for when they are loaded."""
    _check(type(count) is int and len(starts) == len(refs) == len(forms), "a run has a start, a reference and a form")
    stops = [*starts[1:], count]
    _check(list(starts[:1]) == [0] or (not starts and not count), "the first run starts at lane 0")
    for start, stop, ref, form in zip(starts, stops, refs, forms):
        offset, row = ref >> ROW_BITS, ref & ROW_MASK
        _check(stop > start and 0 < offset <= log.head, "a run has lanes, and begins in the log")
        if form == SINGLES:
            _check(offset + stop - start - 1 <= log.head, "single vectors end in the log")
        elif form == FORGOTTEN:
            singles = offset + stop - start - 1 <= log.head
            rule = "forgotten vectors were rows of their event, or of as many events"
            _check(singles or row + stop - start <= log.rows_at(offset), rule)


def _index_head(index: Index, blobs: list[bytes]) -> dict[str, Any]:
    trained = index.trained
    blobs += [index.homes.tobytes(), index.longer.tobytes()]
    return {
        "scale": [trained.scale.low, trained.scale.step, trained.scale.radius],
        "centres": [trained.centres.mean, trained.centres.points, trained.centres.reach],
        "axes": [[axis.vector, axis.step, axis.bits] for axis in trained.quantiser.axes],
        "unit": [trained.quantiser.unit, trained.quantiser.fine],
        "radius": trained.radius,
        "numbers": [index.slope, index.built, index.drift, index.added],
        "promises": [[item.recall, list(item.effort), item.measured] for item in index.promises],
        "segments": [[_segment_head(segment, blobs) for segment in group] for group in index.clusters],
    }


def _segment_head(segment: Segment, blobs: list[bytes]) -> dict[str, Any]:
    count, planes, fine = segment.sealed
    size = (count + 7) // 8
    blobs += [segment.ids.tobytes(), b"".join(plane.to_bytes(size, "little") for plane in planes)]
    blobs += [fine, b"".join(segment.pending), segment.death_offsets.tobytes(), segment.death_places.tobytes()]
    blobs.append(segment.restless.to_bytes((segment.restless.bit_length() + 7) // 8, "little"))
    return {"sealed": count, "planes": len(planes), "pending": len(segment.pending), "least": segment.least}


def _index(kind: Vector, head: dict[str, Any], blobs: Iterator[bytes]) -> Index:
    low, step, radius = head["scale"]
    mean, points, reach = head["centres"]
    axes = tuple(Axis(tuple(vector), size, bits) for vector, size, bits in head["axes"])
    scale = ByteScale(kind, low, step, radius, table_of(kind, low, step))
    centres = Centres(tuple(mean), tuple(map(tuple, points)), reach)
    index = Index(Trained(scale, centres, Quantiser(axes, *head["unit"]), head["radius"]))
    index.slope, index.built, index.drift, index.added = head["numbers"]
    index.promises = [Promise(recall, Effort(*effort), measured) for recall, effort, measured in head["promises"]]
    index.homes, index.longer = array("H", next(blobs)), array("q", next(blobs))
    for cluster, group in enumerate(head["segments"]):
        for cold, item in enumerate(group):
            _load_segment(index.segment(cluster, bool(cold)), item, blobs)
    return index


def _load_segment(segment: Segment, item: dict[str, Any], blobs: Iterator[bytes]) -> None:
    segment.ids = array("I", next(blobs))
    size, data, lanes = (item["sealed"] + 7) // 8, next(blobs), len(segment.ids)
    _check(0 <= item["planes"] <= len(data), "a plane has a bit")
    _check(size * item["planes"] == len(data) and 0 <= item["sealed"] <= lanes, "planes have a bit for each lane")
    planes = (data[place * size : (place + 1) * size] for place in range(item["planes"]))
    numbers = tuple(int.from_bytes(plane, "little") for plane in planes)
    segment.sealed = Sealed(item["sealed"], numbers, next(blobs))
    codes, count = next(blobs), item["pending"]
    _check(item["sealed"] + count == lanes and (count > 0 or not codes), "lanes stand in planes, or wait")
    width = len(codes) // count if count else 0
    segment.pending = [codes[place * width : (place + 1) * width] for place in range(count)]
    segment.least = item["least"]
    offsets, places = array("q", next(blobs)), array("I", next(blobs))
    _check(len(offsets) == len(places) and max(places, default=-1) < lanes, "who died is one of the lanes")
    segment.load_deaths(offsets, places)
    segment.restless = int.from_bytes(next(blobs), "little")
    _check(segment.restless.bit_length() <= lanes, "who is restless is one of the lanes")
