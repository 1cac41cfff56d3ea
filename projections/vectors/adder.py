"""The adder: a weighted sum of bit planes for all lanes at once.

A weight becomes **canonical signed digits** (Reitwiesner, "Binary arithmetic", 1960), so a plane is
added or subtracted at a few powers of two. Position by position, two planes of one sign and the running
sum go through a full adder of five operations on whole integers:

    t = a ^ b;  x ^= t;  carry = a & b | t & x      (added planes, x before)
    t = a ^ b;  x ^= t;  carry = (a | b) ^ (t & x)  (subtracted planes; the carry is subtracted too)

What comes out is the sum of every lane in two's complement: planes of rising value, and a sign plane.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from operator import itemgetter
from typing import Any, Final, NamedTuple

EIGHTHS = 8  # weights are given in eighths of a unit
LOWEST = 3  # digits below one unit (2**3 eighths) are cut off, which rounds at about 0.7
Gather = Callable[[Sequence[int]], Any]


class Sums(NamedTuple):
    """value of a lane = sum of 2**i over its ``planes``, less 2**len(planes) where ``sign`` is set."""

    planes: list[int]
    sign: int


@cache
def keep_memory() -> None:
    """Once a process: keep glibc from giving the memory of every sum back to the kernel.

    Freeing one block of 31 MiB raises its thresholds for mmap and trimming (mallopt(3), "dynamic mmap
    threshold"). A search of a million took 1.6 times as long without it; elsewhere it does nothing.
    """
    bytearray(31 << 20)


@lru_cache(maxsize=1 << 16)
def digits(eighths: int) -> tuple[int, ...]:
    """The slots of a weight's digits: 2 x position for an added one, + 1 for a subtracted one.

    >>> digits(8), digits(-8), digits(7 * 8), digits(4)
    ((0,), (1,), (1, 6), ())
    """
    sign, rest, place, found = (1, -eighths, 0, []) if eighths < 0 else (0, eighths, 0, [])
    while rest:
        if rest & 1:
            minus = (rest & 3) == 3
            rest += 1 if minus else -1
            if place >= LOWEST:
                found.append(2 * (place - LOWEST) + (minus ^ sign))
        rest >>= 1
        place += 1
    return tuple(found)


class _Digits(dict[int, tuple[int, ...]]):
    """The digits of weights; those of a far query's are worked out on their first use."""

    def __missing__(self, eighths: int) -> tuple[int, ...]:
        return digits(eighths)


_DIGITS: Final = _Digits({eighths: digits(eighths) for eighths in range(-512, 513)}).__getitem__


class Programme:
    """Which planes are added and subtracted at which position; made once a query, run on every segment."""

    __slots__ = ("steps", "terms")

    def __init__(self, eighths: Sequence[int]) -> None:
        slots: list[list[int]] = [[] for _ in range(2 * 20)]
        for place, own in enumerate(map(_DIGITS, eighths)):
            for slot in own:
                slots[slot].append(place)
        while slots and not slots[-1]:
            slots.pop()
        if len(slots) & 1:
            slots.append([])
        self.terms = sum(map(len, slots))  # ints
        self.steps = [(_gather(plus), _gather(minus)) for plus, minus in zip(slots[::2], slots[1::2])]

    def run(self, planes: Sequence[int]) -> Sums:
        """The sums of all lanes. About 0.6 us a term for 16,000 lanes."""
        out: list[int] = []
        plus: list[int] = []
        minus: list[int] = []
        for gather_plus, gather_minus in self.steps:
            plus.extend(gather_plus(planes))
            minus.extend(gather_minus(planes))
            plane, plus, minus = _add(plus, minus)
            out.append(plane)
        while plus or len(minus) > 1:
            plane, plus, minus = _add(plus, minus)
            out.append(plane)
        return Sums(out, minus[0] if minus else 0)


def _gather(places: Sequence[int]) -> Gather:
    if len(places) > 1:
        return itemgetter(*places)
    if places:
        return itemgetter(slice(places[0], places[0] + 1))
    return _nothing


def _nothing(_: Sequence[int]) -> tuple[int, ...]:
    return ()


def _add(plus: list[int], minus: list[int]) -> tuple[int, list[int], list[int]]:
    """One position: its plane of the sum, and the planes carried to the next."""
    carry: list[int] = []
    borrow: list[int] = []
    x = 0
    if len(plus) & 1:
        x = plus.pop()
    elif plus:
        a, b = plus.pop(), plus.pop()
        x = a ^ b
        carry.append(a & b)
    pairs = iter(plus)
    for a, b in zip(pairs, pairs):
        t = a ^ b
        carry.append(a & b | t & x)
        x ^= t
    if len(minus) & 1:
        a = minus.pop()
        borrow.append(a ^ (a & x))
        x ^= a
    pairs = iter(minus)
    for a, b in zip(pairs, pairs):
        t = a ^ b
        borrow.append((a | b) ^ (t & x))
        x ^= t
    return x, carry, borrow


def at_least(sums: Sums, bound: int, lanes: int) -> int:
    """The lanes of the mask ``lanes`` whose sum is at least ``bound``; one operation a plane."""
    planes, sign = sums
    top = 1 << len(planes)
    if bound <= -top:
        return lanes
    if bound >= top:
        return 0
    bound += top
    found = lanes
    for plane in planes:
        found = found & plane if bound & 1 else found | plane
        bound >>= 1
    kept = found ^ (found & sign) if bound & 1 else found | (lanes ^ (lanes & sign))
    return kept & lanes
