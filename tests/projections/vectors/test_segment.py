"""A segment against a list of lanes and a set of the dead."""

from __future__ import annotations

import itertools
import random

import pytest

from projections.vectors.quantiser import Coded
from projections.vectors.segment import TAIL, Sealed, Segment
from tests.projections.vectors.making import Room, code_rows, make_room, new_segment


@pytest.fixture(scope="module")
def room() -> Room:
    return make_room(300, 6, 1, 14)


def codes(room: Room, rows: list[bytes]) -> Coded:
    return code_rows(room.quantiser, rows, list(room.centres.mean))


def add_all(room: Room, segment: Segment, start: int, stop: int) -> None:
    for lane, own in enumerate(zip(*codes(room, room.rows[start:stop]).columns), start):
        segment.add(room.quantiser, lane * 2, bytes(own))


@pytest.mark.parametrize("cuts", [(0, 300), (0, 1, 300), (0, 150, 160, 299, 300), (0, 64, 128, 300), (0, 63, 129, 300)])
@pytest.mark.parametrize("first_is_added", [False, True])
def test_any_way_of_growing_gives_the_same_lanes(room: Room, cuts: tuple[int, ...], first_is_added: bool) -> None:
    """Codes never depend on how a lane came in; norms count from the least of the first lanes there were."""
    whole, pieces = new_segment(room, 0), new_segment(room, 0)
    whole.extend(room.quantiser, range(0, 600, 2), codes(room, room.rows))
    for number, (start, stop) in enumerate(itertools.pairwise(cuts)):
        if (number % 2 == 1) != first_is_added:
            add_all(room, pieces, start, stop)
        else:
            pieces.extend(room.quantiser, range(start * 2, stop * 2, 2), codes(room, room.rows[start:stop]))
        pieces.check()
        assert len(pieces.pending) < TAIL and len(pieces) == stop
    pieces.seal(room.quantiser)
    pieces.seal(room.quantiser)
    whole.check()
    pieces.check()
    axes = len(room.quantiser.layout)
    assert list(pieces.ids) == list(whole.ids) and pieces.sealed.size == whole.sealed.size == 300
    assert pieces.sealed.planes[:axes] == whole.sealed.planes[:axes]
    if pieces.least == whole.least:
        assert pieces.sealed == whole.sealed


def test_sealed_is_replaced_as_a_whole(room: Room) -> None:
    segment = new_segment(room, 0)
    add_all(room, segment, 0, TAIL - 1)
    assert segment.sealed == Sealed(0, ()) and len(segment) == TAIL - 1
    held = segment.sealed
    add_all(room, segment, TAIL - 1, TAIL + 1)
    assert held == Sealed(0, ()) and segment.sealed.size == TAIL and len(segment.pending) == 1


@pytest.mark.parametrize("seed", range(6))
def test_the_dead_of_every_offset(room: Room, seed: int) -> None:
    rng = random.Random(seed)
    segment = new_segment(room, 0)
    count = rng.choice([1, 7, 90])
    segment.extend(room.quantiser, range(0, 2 * count, 2), codes(room, room.rows[:count]))
    add_all(room, segment, count, count + 5)
    model: list[tuple[int, int]] = []
    offset = 10
    for place in rng.sample(range(count + 5), rng.randint(0, count + 5)):
        offset += rng.choice([0, 0, 1, 3])
        segment.kill(place * 2, offset)
        model.append((offset, place))
        segment.check()
    for asked in range(8, offset + 3):
        assert segment.dead(asked) == sum(1 << place for died, place in model if died <= asked)
    assert segment.dead(None) == 0


def test_born_and_disturbed(room: Room) -> None:
    segment = new_segment(room, 0)
    segment.extend(room.quantiser, range(0, 20, 2), codes(room, room.rows[:10]))
    assert [segment.born(limit) for limit in (0, 1, 2, 3, 19, 99)] == [0, 1, 1, 2, 10, 10]
    segment.disturb(6)
    segment.disturb(6)
    segment.disturb(0)
    assert segment.restless == 0b1001
