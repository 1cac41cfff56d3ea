"""The index: scores are a plain integer evaluation, and their order follows the distances to what was coded."""

from __future__ import annotations

import math
import random

import pytest

import projections.vectors.index as index_module
from projections.vectors.adder import EIGHTHS, digits
from projections.vectors.calibration import score_at
from projections.vectors.index import Index, best, lanes_of, places
from projections.vectors.quantiser import NORM_BITS
from projections.vectors.segment import Segment
from tests.projections.vectors.making import Room, clamped, code_rows, codes_of, decoded, make_index, make_room


def everything(segment: Segment) -> int:
    return (1 << segment.sealed.size) - 1


@pytest.fixture(scope="module")
def room() -> Room:
    return make_room(400, 10, 4, 26, seed=3)


@pytest.fixture(scope="module")
def index(room: Room) -> Index:
    """Added one by one, so the codes come from ``Trained.code``."""
    made = make_index(room)
    for row in room.rows:
        made.add(tuple(row))
    for segment in made.segments:
        segment.seal(room.quantiser)
    made.check()
    return made


def test_single_and_bulk_coding_agree(room: Room, index: Index) -> None:
    different = 0
    for segment in index.segments:
        rows = [room.rows[lane] for lane in segment.ids]
        columns = code_rows(room.quantiser, rows, index.trained.origin(segment.cluster)).columns
        for place in range(len(rows)):
            bulk = [clamped(column[place], axis.bits) for column, axis in zip(columns, room.quantiser.axes)]
            one = codes_of(room.quantiser, segment.sealed.planes, place)
            assert all(abs(a - b) <= 1 for a, b in zip(bulk, one))
            different += sum(a != b for a, b in zip(bulk, one))
    assert different <= 0.01 * len(room.rows) * len(room.quantiser.axes), "only on the edge of a step"


def test_scores_are_a_plain_evaluation_of_the_digits(room: Room, index: Index) -> None:
    rng = random.Random(1)
    for _ in range(10):
        placed = index.place([rng.uniform(0, 255) for _ in range(room.dim)])
        factors = [2.0 * y * axis.step / room.quantiser.unit for y, axis in zip(placed.axes, room.quantiser.axes)]
        assert max(map(abs, factors)) * 8 < 512, "a query in reach counts in whole units"
        weights = [int(factors[axis] * EIGHTHS * (1 << bit)) for axis, bit in room.quantiser.layout]
        weights += [-(EIGHTHS << bit) for bit in range(NORM_BITS)]
        values = [_signed(weight) for weight in weights]
        probes = index.probe(placed, math.inf, everything)
        assert {id(probe.segment) for probe in probes} == {id(segment) for segment in index.segments if len(segment)}
        for probe in probes:
            base = (-placed.distances[probe.segment.cluster] - probe.segment.least) / room.quantiser.unit
            assert abs(probe.offset - base) <= 1
            for place in range(0, probe.segment.sealed.size, 7):
                own = sum(v * (plane >> place & 1) for v, plane in zip(values, probe.segment.sealed.planes))
                assert score_at(probe, place) == probe.offset + own


def _signed(weight: int) -> int:
    return sum(-(1 << (slot >> 1)) if slot & 1 else 1 << (slot >> 1) for slot in digits(weight))


def test_the_order_of_scores_follows_the_coded_distances(room: Room, index: Index) -> None:
    """|q - c - Vx^|**2 falls as the score rises, up to the rounding of weights, norms and constants."""
    rng = random.Random(2)
    for _ in range(6):
        query = [value + rng.gauss(0, 8) for value in rng.choice(room.rows)]
        placed = index.place(query)
        relative = [value - middle for value, middle in zip(query, room.centres.mean)]
        scored = []
        for probe in index.probe(placed, math.inf, everything):
            for place in range(probe.segment.sealed.size):
                codes = codes_of(room.quantiser, probe.segment.sealed.planes, place)
                square = math.dist(relative, decoded(room, codes, probe.segment.cluster)) ** 2
                scored.append((score_at(probe, place), square))
        unit = room.quantiser.unit
        constants = [score * unit + square for score, square in scored]  # the same for all lanes, were nothing rounded
        middle = sum(constants) / len(constants)
        spread = math.sqrt(sum((value - middle) ** 2 for value in constants) / len(constants))
        squares = sorted(square for _, square in scored)
        assert spread < 0.1 * (squares[len(squares) // 2] - squares[0])
        top = sorted(scored, reverse=True)[:40]
        assert sum(square <= squares[39] for _, square in top) >= 30


def test_a_unit_of_slack_goes_less_far_among_crowded_centres(index: Index) -> None:
    order = list(range(8))
    sparse = [100.0**2] + [200.0**2] * 7
    crowded = [100.0**2] + [101.0**2] * 7
    assert 0.0 < index.stretch([100.0**2] * 8, order) < index.stretch(crowded, order) < index.stretch(sparse, order)
    assert index.stretch([4.0], [0]) == index.stretch([100.0**2] * 8, order), "one centre is as crowded as can be"


def test_probing_goes_from_the_nearest_centre_as_far_as_the_slack(room: Room, index: Index) -> None:
    placed = index.place(tuple(room.rows[0]))
    roots = sorted(math.sqrt(max(0.0, distance)) for distance in placed.distances)
    for slack in (0.0, roots[1] - roots[0] + 1e-6, roots[-1] - roots[0] + 1e-6):
        order = sorted(range(len(roots)), key=placed.distances.__getitem__)
        probes = index.probe(placed, slack / index.stretch(placed.distances, order), everything)
        assert len(probes) == sum(root <= roots[0] + slack + 1e-9 for root in roots)
        order = [placed.distances[probe.segment.cluster] for probe in probes]
        assert order == sorted(order)
    nearest = index.probe(placed, 0.0, everything)[0].segment
    after = index.probe(placed, 0.0, lambda segment: 0 if segment is nearest else everything(segment))
    assert len(after) == 1 and after[0].segment is not nearest, "where the nearest is masked out, the next is probed"
    assert index.probe(placed, math.inf, lambda segment: 0) == []


@pytest.mark.parametrize("wanted", [1, 2, 5, 20, 60, 399, 400, 1000])
@pytest.mark.parametrize("slope", [0.5, 20.0, 3000.0])
def test_best_takes_lanes_above_one_bound(room: Room, index: Index, wanted: int, slope: float) -> None:
    rng = random.Random(wanted)
    masks = {id(segment): rng.getrandbits(segment.sealed.size) for segment in index.segments}
    probes = index.probe(index.place([rng.uniform(40, 200) for _ in range(room.dim)]), math.inf, lambda s: masks[id(s)])
    chosen = best(probes, wanted, slope)
    total = sum(mask.bit_count() for mask in masks.values())
    taken, left = [], []
    by_id = {id(segment): mask for segment, mask in chosen}
    for probe in probes:
        own = by_id.get(id(probe.segment), 0)
        assert own & ~masks[id(probe.segment)] == 0, "only lanes that are asked for"
        taken += [score_at(probe, place) for place in places(own)]
        left += [score_at(probe, place) for place in places(masks[id(probe.segment)] & ~own)]
    if total <= wanted:
        assert len(taken) == total
    else:
        assert taken and min(taken) > max(left, default=-(10**18))
        near = sorted(taken + left, reverse=True)
        ties = near.count(near[min(wanted, len(near)) - 1])
        assert 0.7 * wanted - ties <= len(taken) <= 1.4 * wanted + 1 + ties
    assert len(lanes_of(chosen)) == len(taken)


def test_best_of_nothing_and_of_equal_lanes() -> None:
    assert best([], 5, 1.0) == []
    room = make_room(60, 3, 1, 6)
    made = make_index(room)
    for _ in range(150):
        made.add((90, 100, 110))
    made.segments[0].seal(room.quantiser)
    probes = made.probe(made.place((90, 100, 110)), math.inf, everything)
    assert sum(mask.bit_count() for _, mask in best(probes, 10, 20.0)) == 150, "ties are not cut"


def test_a_very_far_query_counts_in_a_greater_unit(room: Room, index: Index) -> None:
    for size in (1e4, 1e8, 1e30, 1e100):
        query = [size, *[0.0] * (room.dim - 1)]
        placed = index.place(query)
        probes = index.probe(placed, math.inf, everything)
        assert probes and all(len(probe.sums.planes) < 40 for probe in probes)
        chosen = lanes_of(best(probes, 40, index.slope))
        firsts = sorted((row[0] for row in room.rows), reverse=True)
        kept = [room.rows[lane][0] for lane in chosen]
        if size <= 1e8:
            assert sum(kept) / len(kept) > sum(firsts) / len(firsts), "towards the query"


@pytest.mark.parametrize("mask", [0, 1, 2, 0b1011, 1 << 63, 1 << 64, (1 << 200) - 1, 1 << 500 | 5])
def test_places_are_those_of_the_bits(mask: int) -> None:
    assert places(mask) == [bit for bit in range(mask.bit_length()) if mask >> bit & 1]


def test_find_segments_and_growth(room: Room) -> None:
    made = make_index(room)
    assert made.count == 0
    for row in room.rows[:50]:
        made.add(tuple(row))
    for lane in range(50):
        assert lane in list(made.find(lane).ids)
    cold = made.segment(0, True)
    assert made.segment(0, True) is cold and made.segment(0, False) is made.clusters[0][0]
    made.check()
    with pytest.raises((LookupError, OverflowError)):
        made.find(50)
    made.clusters[made.homes[3]][0].ids.remove(3)
    with pytest.raises(LookupError):
        made.find(3)


def test_an_index_is_outgrown_by_numbers_or_by_drift(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make_index(room)
    made.built = 10
    for row in room.rows[:40]:
        made.add(tuple(row))
    assert not made.is_outgrown
    made.add(tuple(room.rows[40]))
    assert made.is_outgrown, "four times as many lanes as at the build"
    monkeypatch.setattr(index_module, "DRIFT_WINDOW", 20)
    far = make_index(room)
    far.built = 1000
    for row in room.rows[:40]:
        far.add(tuple(row))
    assert not far.is_outgrown
    for _ in range(60):
        far.add(tuple([255] * room.dim))
    assert far.is_outgrown, "those added lie elsewhere"


def test_stats_count_lanes_planes_and_bytes(room: Room, index: Index) -> None:
    stats = index.stats()
    assert stats["indexed"] == 400 and stats["segments"] == 4 and stats["promises"] == []
    assert stats["planes"] == 26 + NORM_BITS or stats["planes"] == len(room.quantiser.layout) + NORM_BITS
    assert 400 * stats["planes"] / 8 < stats["bytes"] < 400 * (stats["planes"] / 8 + 40)


def test_far_rows_are_cut_off(room: Room, index: Index) -> None:
    code = index.trained.code([1e9] * len(room.quantiser.axes), 0)
    assert code == bytes([255] * len(code))
    assert index.trained.code([-1e9] * len(code), 0) == bytes(len(code))
