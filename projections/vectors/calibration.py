"""Calibration: what effort reaches which recall, measured on rows of the index taken as queries.

Each sample row is searched for with every segment probed and a deep re-ranking; its neighbours then tell
how far from the nearest centre a search must go and how deep the re-ranking must be. From these samples the
recall of any effort is counted, and the cheapest effort that reaches a promise is kept. What all of this would
overlook, because the planes do, shows in a random few thousand lanes that are measured beside it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from math import inf, sqrt
from random import Random
from statistics import fmean
from typing import NamedTuple, Protocol

from projections.history import FOREVER
from projections.vectors.exact import measure
from projections.vectors.index import USUAL_SLOPE, Index, Probe, best, closest, places
from projections.vectors.kernels import Reading
from projections.vectors.lanes import Lanes
from projections.vectors.segment import Segment

SAMPLE = 300
NEIGHBOURS = 10
DEPTH = 400
CHECKED = 3_000  # lanes that are measured for every sample, in case the planes are blind to some neighbours
WIDE = 1_000  # dimensions, from which measuring is dear
WIDE_DEPTH = 120
FINE_CANDIDATES = 100
DEEP = 2_000  # under Manhattan, whose order differs from that of the planes
PROMISES = (0.8, 0.85, 0.9, 0.925, 0.95, 0.96, 0.97, 0.98, 0.99, 0.995)
CANDIDATES = (10, 12, 15, 20, 30, 40, 50, 60, 75, 90, 105, 125, 150, 200, 250, 300, 400)
SHARES = (0.5, 0.65, 0.8, 0.87, 0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.975, 0.98, 0.985, 0.99, 0.995, 1.0)
MARGIN = 0.8  # of the missed share that a promise leaves: queries are harder than rows
CODE_SEGMENT = 45.0  # microseconds of a probed segment, whatever its size
CODE_LANE = 0.0047  # and for every lane in it
CANDIDATE = 0.6  # microseconds of a candidate, whatever its dimension
LOG_4 = 1.386  # e-folds of the number of lanes from an eighth of the candidates to a half
SAMPLED_COST = 14.0  # microseconds of a vector of which a sample is measured
COORDINATE = {1: 0.016, 2: 0.03, 4: 0.022, 8: 0.022}  # and for every coordinate, by bytes of an element


class Effort(NamedTuple):
    """How hard a search tries.

    Centres within ``slack`` (stretched) of the nearest are probed, ``candidates`` lanes come out of the planes, and
    ``kept`` of them are measured after a look at their fine bytes (0: all, and no look); where vectors are very wide
    only ``sampled`` of these, after a look at a sample of their coordinates (0: all).
    """

    slack: float
    candidates: int
    kept: int = 0
    sampled: int = 0


class Promise(NamedTuple):
    """The effort for a recall, and the recall that the samples showed."""

    recall: float
    effort: Effort
    measured: float


class _Sample(NamedTuple):
    """A query: candidates by falling score, each with its slack and whether it is a neighbour; all centres' slacks."""

    slacks: list[float]
    hits: list[bool]
    centres: list[float]
    wanted: int
    fine: list[float]
    rough: list[float]  # the distance by a sample of coordinates
    neighbours: frozenset[int]
    furthest: float  # of them


class Readings(Protocol):
    """Where stored vectors are read from: ``projections.vectors.field``."""

    def elements(self, lane: int) -> Sequence[float]:
        """The elements of a lane."""
        ...

    def reading(self, query: Sequence[float] | bytes) -> Reading:
        """What measures all of a stored vector."""
        ...

    def sampled(self, query: Sequence[float]) -> Reading | None:
        """What measures a sample of its coordinates, where that is worth while."""
        ...


def calibrate(
    index: Index,
    lanes: Lanes,
    living: Sequence[int],
    readings: Readings,
    seed: int,
) -> list[Promise]:
    """Promises in order of recall; also sets the index's ``slope``. 2 s for 1M x 128."""
    random = Random(seed)
    chosen = sorted(random.sample(living, min(SAMPLE, len(living))))
    others = sorted(random.sample(living, min(CHECKED // max(1, index.trained.scale.dim // 128), len(living))))
    samples, slopes, seen, missed = [], [], 0, 0
    for lane in chosen:
        query = readings.elements(lane)
        reading = readings.reading(query)
        sample, slope = _sample(index, lanes, lane, query, reading, readings.sampled(query))
        samples.append(sample)
        slopes.append(slope)
        near = {found for apart, found in measure(lanes, others, reading) if apart < sample.furthest} - {lane}
        seen += len(near)
        missed += len(near - sample.neighbours)
    index.slope = max(1.0, fmean(slopes))
    return _promises(index, samples, len(readings.elements(chosen[0])), 1.0 - missed / seen if seen else 1.0)


def _sample(
    index: Index, lanes: Lanes, lane: int, query: Sequence[float], reading: Reading, sampled: Reading | None
) -> tuple[_Sample, float]:
    placed = index.place(query)
    probes = index.probe(placed, inf, _living)
    masks = {id(segment): mask for segment, mask in best(probes, _depth(index), index.slope)}
    order = sorted(range(len(placed.distances)), key=placed.distances.__getitem__)
    stretch = index.stretch(placed.distances, order)
    nearest = sqrt(max(0.0, placed.distances[order[0]]))
    centres = [(sqrt(max(0.0, placed.distances[cluster])) - nearest) / stretch for cluster in order]
    scored = []
    for probe in probes:
        slack = (sqrt(max(0.0, placed.distances[probe.segment.cluster])) - nearest) / stretch
        here = places(masks.get(id(probe.segment), 0))
        scored += [(score_at(probe, place), probe.segment.ids[place], slack) for place in here]
    scored.sort(reverse=True)
    scored = [item for item in scored if item[1] != lane]
    ranked = measure(lanes, [item[1] for item in scored], reading)
    neighbours = frozenset(found for _, found in ranked[:NEIGHBOURS])
    fine: dict[int, float] = {}
    if index.trained.quantiser.fine:
        chosen = ((probe.segment, masks.get(id(probe.segment), 0)) for probe in probes)
        fine = {found: apart for apart, found in closest(index.trained, placed, chosen, len(scored) + 1)}
    rough: dict[int, float] = {}
    if sampled is not None:
        rough = {found: apart for apart, found in measure(lanes, [item[1] for item in scored], sampled)}
    sample = _Sample(
        [item[2] for item in scored],
        [item[1] in neighbours for item in scored],
        centres,
        len(neighbours),
        [fine.get(item[1], 0.0) for item in scored],
        [rough.get(item[1], 0.0) for item in scored],
        neighbours,
        ranked[:NEIGHBOURS][-1][0] if ranked else 0.0,
    )
    eighth = len(scored) // 8
    return sample, (scored[eighth][0] - scored[4 * eighth][0]) / LOG_4 if eighth else USUAL_SLOPE


def _depth(index: Index) -> int:
    """How many candidates are measured for the truth of a sample."""
    kind = index.trained.scale.kind
    if kind.dim > WIDE:
        return WIDE_DEPTH
    return DEEP if kind.metric == "manhattan" else DEPTH


def _living(segment: Segment) -> int:
    full = (1 << segment.sealed.size) - 1
    return full ^ (full & segment.dead(FOREVER))


def score_at(probe: Probe, place: int) -> int:
    """The score of one lane."""
    planes, sign = probe.sums
    score = probe.offset - (sign >> place & 1) * (1 << len(planes))
    for bit, plane in enumerate(planes):
        score += (plane >> place & 1) << bit
    return score


def _promises(index: Index, samples: Sequence[_Sample], dim: int, share: float) -> list[Promise]:
    """``share`` of the true neighbours are among those that the samples know of."""
    needed = sorted(slack for sample in samples for slack, hit in zip(sample.slacks, sample.hits) if hit)
    if not needed:  # a lane alone
        return []
    slacks = sorted(
        {max(0.0, needed[min(len(needed) - 1, int(share * len(needed)))]) * 1.02 for share in SHARES} | {0.0}
    )
    fine = bool(index.trained.quantiser.fine)
    size = index.count / max(1, len(index.clusters))
    efforts = []
    each = CANDIDATE + dim * COORDINATE[max(1, index.trained.scale.kind.size // dim)]
    for slack in slacks:
        probed = fmean([bisect_left(sample.centres, slack + 1e-9) for sample in samples])
        probing = probed * (CODE_SEGMENT + CODE_LANE * size)
        for candidates, recall in zip(CANDIDATES, _recalls(samples, slack, fine)):
            effort = Effort(slack, FINE_CANDIDATES, candidates) if fine else Effort(slack, candidates)
            efforts.append((probing + candidates * each, effort, recall * share))
        if fine and samples[0].rough[0]:
            for kept, measured, recall in _rough_recalls(samples, slack):
                effort = Effort(slack, FINE_CANDIDATES, kept, measured)
                efforts.append((probing + kept * SAMPLED_COST + measured * each, effort, recall * share))
    efforts.sort()
    hardest = max(efforts, key=lambda item: (item[2], -item[0]))
    found = []
    for promise in PROMISES:
        target = 1.0 - MARGIN * (1.0 - promise)
        _, effort, recall = next((item for item in efforts if item[2] >= target), hardest)
        found.append(Promise(promise, effort, recall))
    return found


def _recalls(samples: Sequence[_Sample], slack: float, fine: bool) -> list[float]:
    """The recall at every number of measured candidates, for one slack."""
    hits = [0] * len(CANDIDATES)
    wanted = sum(sample.wanted for sample in samples) or 1  # ints
    for sample in samples:
        items = zip(sample.slacks, sample.fine, sample.hits)
        inside = [(apart, hit) for own, apart, hit in items if own <= slack]
        if fine:
            inside = sorted(inside[:FINE_CANDIDATES])
        reached = [hit for _, hit in inside]
        for place, candidates in enumerate(CANDIDATES):
            hits[place] += sum(reached[:candidates])  # ints
    return [count / wanted for count in hits]


def _rough_recalls(samples: Sequence[_Sample], slack: float) -> Iterator[tuple[int, int, float]]:
    """The recall where a sample of the coordinates of ``kept`` lanes chooses those that are measured."""
    wanted = sum(sample.wanted for sample in samples) or 1  # ints
    hits = {(kept, measured): 0 for kept in CANDIDATES for measured in CANDIDATES if measured < kept <= FINE_CANDIDATES}
    for sample in samples:
        items = zip(sample.slacks, sample.fine, sample.rough, sample.hits)
        inside = sorted([item[1:] for item in items if item[0] <= slack][:FINE_CANDIDATES])
        ranked = {kept: sorted(item[1:] for item in inside[:kept]) for kept in CANDIDATES}
        for kept, measured in hits:
            hits[kept, measured] += sum(hit for _, hit in ranked[kept][:measured])  # ints
    for (kept, measured), count in hits.items():
        yield kept, measured, count / wanted


def effort_for(promises: Sequence[Promise], recall: float, k: int) -> Effort | None:
    """The effort of the least promise that covers a recall, deeper for more than ten neighbours.

    None where the samples did not show that recall: what cannot be promised is measured exactly.
    """
    able = [promise for promise in promises if promise.measured >= recall]
    if not able:
        return None
    chosen = next((promise for promise in able if promise.recall >= recall), able[-1])
    slack, candidates, kept, sampled = chosen.effort
    candidates = max(candidates, 2 * k, candidates * k // NEIGHBOURS)
    kept = kept and max(kept, k, kept * k // NEIGHBOURS)
    sampled = sampled and max(sampled, k, sampled * k // NEIGHBOURS)
    return Effort(slack * (1.0 + 0.1 * (k > 2 * NEIGHBOURS)), candidates, kept, sampled)
