"""Small trained rooms and data for the tests of the index."""

from __future__ import annotations

import random
from typing import Any, NamedTuple

from ledger import Vector
from projections.vectors.bytescale import ByteScale
from projections.vectors.index import Index, Trained
from projections.vectors.quantiser import Coded, Quantiser, residual, residual_radius, train
from projections.vectors.segment import Segment
from projections.vectors.training import Centres, train_axes, train_centres


class Room(NamedTuple):
    """Rows of bytes, and what training made of them."""

    dim: int
    rows: list[bytes]
    centres: Centres
    labels: list[int]
    quantiser: Quantiser


def byte_rows(count: int, dim: int, seed: int = 0, clusters: int = 3) -> list[bytes]:
    """Clustered rows whose spread falls from axis to axis."""
    rng = random.Random(seed)
    middles = [[rng.uniform(60, 195) for _ in range(dim)] for _ in range(clusters)]
    sigmas = [2.0 + 24.0 * 0.8**place for place in range(dim)]
    return [
        bytes([min(255, max(0, round(rng.gauss(m, s)))) for m, s in zip(rng.choice(middles), sigmas)])
        for _ in range(count)
    ]


def make_room(count: int = 300, dim: int = 12, clusters: int = 3, planes: int = 30, seed: int = 0) -> Room:
    """A trained quantiser."""
    rows, rng = byte_rows(count, dim, seed, clusters), random.Random(seed)
    joined = b"".join(rows)
    centres = train_centres(joined, dim, clusters, rng)
    labels = centres.nearest(joined)
    axes = train_axes([residual(row, centres, label) for row, label in zip(rows, labels)], dim, rng)
    return Room(dim, rows, centres, labels, train(rows, labels, centres, axes, planes))


def make_index(room: Room) -> Index:
    """An empty index over a room, whose vectors are uint8 under the Euclidean metric."""
    kind = Vector(room.dim, metric="euclidean", dtype="uint8")
    residuals = [residual(row, room.centres, label) for row, label in zip(room.rows, room.labels)]
    scale = ByteScale.fit(kind, bytes([0, 255] * room.dim))
    return Index(Trained(scale, room.centres, room.quantiser, residual_radius(residuals)))


def decoded(room: Room, codes: list[int], cluster: int) -> list[float]:
    """The coordinates, relative to the mean, that a row's codes stand for."""
    found = list(room.centres.points[cluster])
    for axis, code in zip(room.quantiser.axes, codes):
        value = axis.step * (code - (1 << axis.bits) / 2 + 0.5)
        found = [part + value * element for part, element in zip(found, axis.vector)]
    return found


def code_rows(quantiser: Quantiser, rows: list[bytes], origin: list[float]) -> Coded:
    """The codes of rows around an origin."""
    return quantiser.codes(b"".join(rows), len(origin), quantiser.biases(origin))


def clamped(code: int, bits: int) -> int:
    """The code of a byte whose middle, 128, is the middle of an axis."""
    return min((1 << bits) - 1, max(0, code - 128 + (1 << bits >> 1)))


def bit_list(plane: int, count: int) -> list[int]:
    return [plane >> lane & 1 for lane in range(count)]


def codes_of(quantiser: Quantiser, planes: Any, lane: int) -> list[int]:
    """The code of every axis, read back from the planes of one lane."""
    codes = [0] * len(quantiser.axes)
    for (axis, bit), plane in zip(quantiser.layout, planes):
        codes[axis] |= (plane >> lane & 1) << bit
    return codes


def new_segment(room: Room, cluster: int) -> Segment:
    return Segment(cluster, room.quantiser.offsets(room.centres.points[cluster]))
