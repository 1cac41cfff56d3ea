"""Filtered searches and searches in the past, beside hnswlib's filter callback and FAISS's bitmap.

A filter keeps 50 %, 5 % or 0.5 %: a made attribute in a range, independent of the vectors, and two sets of photos,
in a row and from a list, which go with the vectors. Our time includes reading the ``where``; the peers get
their flags and bitmaps ready-made, and hnswlib a second time the filter as a Python function of an attribute. Then a
tenth of the entities is overwritten, and searches ask as of the middle of the load, the middle of the overwriting, and
now; peers hold every version there ever was and filter by flags.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import hypot
from random import Random
from typing import Any

from tests.bench.vector_data import Data, nearest, numpy
from tests.bench.vector_libraries import FaissIvf, Hnswlib
from tests.bench.vector_measure import Contest, Point, Rounds, markdown, number, race, ratio
from tests.bench.vector_ours import DRAWS, Ours
from tests.bench.vector_peers import Peer

SHARES = (0.5, 0.05, 0.005)
TARGETS = (0.8, 0.9, 0.95, 0.99)
LEVEL = 0.95
PATIENCE = 2  # one query of so many is asked where a filter is a Python function: it takes up to 100 ms
OVERWRITTEN = 10  # one entity of so many


@dataclass
class Question:
    """A search that sees some rows only: what ours is asked, and the flags of the rows for everybody else."""

    name: str
    flags: bytearray
    where: Mapping[str, Any] | None = None
    as_of: int | None = None
    lanes: Mapping[int, int] | None = None  # the row of an entity that was overwritten by then
    test: Callable[[int], bool] | None = None  # the same filter as a Python function of a row, as a caller writes it

    @property
    def kept(self) -> float:
        """The share of rows that may be found."""
        return self.flags.count(1) / len(self.flags)


def questions(ours: Ours) -> Iterator[Question]:
    """Filters over the loaded rows."""
    photo = ours.data.photo
    for share in SHARES:
        bound = max(1, round(share * DRAWS))
        flags = bytearray([value < bound for value in ours.drawn])
        test = partial(_below, ours.drawn, bound)
        yield Question("drawn in a range", flags, {"drawn": {"$lt": bound}}, test=test)
    for share in SHARES:
        chosen = _photos(photo, sorted(set(photo)), share)
        flags = bytearray([value in chosen for value in photo])
        where = {"photo": {"$gte": min(chosen), "$lte": max(chosen)}}
        yield Question("photos in a row", flags, where, test=partial(_among, photo, chosen))
    for share in SHARES:
        chosen = _photos(photo, Random(5).sample(sorted(set(photo)), len(set(photo))), share)
        flags = bytearray([value in chosen for value in photo])
        where = {"photo": {"$in": sorted(chosen)}}
        yield Question(f"photos of a list of {len(chosen)}", flags, where, test=partial(_among, photo, chosen))


def _below(values: Sequence[int], bound: int, row: int) -> bool:
    return values[row] < bound


def _among(values: Sequence[int], chosen: set[int], row: int) -> bool:
    return values[row] in chosen


def _photos(photo: Sequence[int], order: Iterable[int], share: float) -> set[int]:
    """The first photos of an order that hold a share of the rows."""
    counts: dict[int, int] = {}
    for value in photo:
        counts[value] = counts.get(value, 0) + 1
    chosen, held = set(), 0
    for value in order:
        chosen.add(value)
        held += counts[value]
        if held >= share * len(photo):
            break
    return chosen


# -- the past ------------------------------------------------------------------------------------------------------


def overwrite(ours: Ours, peers: Sequence[Peer]) -> tuple[Data, list[Question]]:
    """Overwrite a tenth of the entities in two events; all versions as rows, and the moments to ask about."""
    data, count = ours.data, len(ours.data)
    random = Random(11)
    entities = random.sample(range(count), max(2, count // OVERWRITTEN))
    fresh = [_moved(data, random, random.randrange(count)) for _ in entities]
    middle, loaded = ours.batches[len(ours.batches) // 2 - 1]
    half = len(entities) // 2
    first = ours.overwrite(entities[:half], fresh[:half])
    last = ours.overwrite(entities[half:], fresh[half:])
    added = b"".join(fresh)
    for peer in peers:
        if isinstance(peer, (Hnswlib, FaissIvf)):
            peer.add(data.floats(added))
    total = count + len(entities)
    load = bytearray(bytes([1]) * loaded + bytes(total - loaded))
    drawn = bytearray([flag and value < DRAWS // 20 for flag, value in zip(load, ours.drawn)] + [0] * len(entities))
    whole = replace(data, rows=data.rows + added, known=None)
    return whole, [
        Question("as of the middle of the load", load, None, middle),
        Question("the same, drawn in a range", drawn, {"drawn": {"$lt": DRAWS // 20}}, middle),
        _overwritten("as of the middle of the overwriting", count, entities, half, first),
        _overwritten("now, a tenth overwritten", count, entities, len(entities), last),
    ]


def _overwritten(name: str, count: int, entities: Sequence[int], done: int, offset: int) -> Question:
    flags = bytearray(bytes([1]) * (count + done) + bytes(len(entities) - done))
    for entity in entities[:done]:
        flags[entity] = 0
    lanes = {entity: count + place for place, entity in enumerate(entities[:done])}
    return Question(name, flags, None, offset, lanes)


def _moved(data: Data, random: Random, row: int) -> bytes:
    """A row with every number changed by up to a tenth."""
    numbers = data.struct.unpack_from(data.rows, row * data.size)
    moved = [number * random.uniform(0.9, 1.1) for number in numbers]
    if data.dtype == "uint8":
        return bytes([min(255, round(number)) for number in moved])
    length = hypot(*moved) if data.metric == "cosine" else 1.0
    return data.struct.pack(*(number / length for number in moved))


# -- measuring -----------------------------------------------------------------------------------------------------


def answered(
    ours: Ours, peers: Sequence[Peer], data: Data, question: Question, queries: int, rounds: Rounds
) -> list[Point]:
    """The points of one question."""
    truth = nearest(data, question.flags, queries)
    entrants = list(_ours(ours, question, queries))
    for peer in peers:
        if isinstance(peer, Hnswlib):
            entrants += _filtered(peer, {"accepts": question.flags.__getitem__}, queries)
            if question.test is not None:
                asked = max(1, queries // PATIENCE)
                entrants += list(_filtered(peer, {"accepts": question.test}, asked, "hnswlib, Python filter"))[:3]
        elif isinstance(peer, FaissIvf):
            np = numpy()
            bits = np.packbits(np.frombuffer(question.flags, dtype="u1"), bitorder="little")
            entrants += _filtered(peer, {"bits": bits}, queries)
    return race(entrants, data, rounds, truth)


def _ours(ours: Ours, question: Question, queries: int) -> Iterator[Contest]:
    lanes = question.lanes or {}

    def rows(found: Any) -> list[int]:
        return [lanes.get(entity, entity) for entity in found.entities]

    for target in TARGETS:
        search = partial(ours.searcher, target, question.where, question.as_of)
        yield Contest("ours", target, search, ours.queries()[:queries], rows)


def _filtered(peer: Any, options: dict[str, Any], queries: int, name: str | None = None) -> Iterator[Contest]:
    for setting in peer.settings:
        search = partial(peer.searcher, setting, **options)
        yield Contest(name or peer.name, setting, search, peer.queries()[:queries], peer.rows)


def summary(rows: Sequence[tuple[Question, Sequence[Point]]]) -> str:
    """One line a question: the cheapest setting of each candidate that reaches the recall, and how ours compares."""
    names = list(dict.fromkeys(point.name for _, points in rows for point in points))
    headings = ("what may be found", "kept", *(f"{name}: recall/p50 µs/p99" for name in names))
    ratios = tuple(f"ours times faster than {name} at {LEVEL}" for name in names[1:])
    lines = []
    for question, points in rows:
        cells = [_best(points, name) for name in names]
        lines.append((question.name, f"{question.kept:.2%}", *cells, *(_ratio(points, name) for name in names[1:])))
    return markdown((*headings, *ratios), lines)


def _best(points: Sequence[Point], name: str) -> str:
    own = [point for point in points if point.name == name]
    good = [point for point in own if point.recall >= LEVEL] or [max(own, key=lambda point: point.recall)]
    best = min(good, key=lambda point: sorted(point.p50)[len(point.p50) // 2])
    _, setting, recall, p50, p99 = best.shown()
    return f"{recall}/{p50}/{p99} ({setting})"


def _ratio(points: Sequence[Point], name: str) -> str:
    spread = ratio(points, name, LEVEL)
    return "" if spread is None else f"{number(spread.median)}x ({spread.low:.3g}–{spread.high:.3g})"
