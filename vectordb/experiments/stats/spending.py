"""Group-sequential boundaries: a planned number of looks, each spending a part of alpha.

Source: Lan and DeMets, Biometrika 70 (1983) 659, with the power family alpha t^phi of Kim and DeMets (1987); the
recursive integration of Armitage, McPherson and Rowe (1969), by Gauss-Legendre points.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, fsum, inf, pow, sqrt
from typing import Final

from ledger import InvalidInput
from vectordb.experiments.stats.inputs import check_number, check_positive, check_share
from vectordb.experiments.stats.quadrature import gauss_legendre
from vectordb.experiments.stats.result import Result
from vectordb.experiments.stats.roots import solve
from vectordb.experiments.stats.special import normal_isf, normal_pdf, normal_sf

MOST_POINTS: Final = 512
_FARTHEST: Final = 40.0
_Path = Sequence[tuple[float, float]]  # where the process may be without having stopped, and how likely


@dataclass(frozen=True)
class Boundaries(Result):
    """At each look: the share of all information, alpha spent so far, the |z| to stop at and its two-sided p."""

    fractions: tuple[float, ...]
    spent: tuple[float, ...]
    z: tuple[float, ...]
    p: tuple[float, ...]
    alpha: float
    phi: float
    method: str = "group sequential, Lan-DeMets power family, two-sided"
    assumptions: tuple[str, ...] = (
        "looks are chosen without regard to the effect seen",
        "the estimate is near normal with independent increments of information",
    )


def spent(fraction: float, alpha: float = 0.05, phi: float = 2.0) -> float:
    """Alpha spent when this share of the information is in: alpha t^phi.

    >>> spent(0.5)
    0.0125
    """
    return check_share("alpha", alpha) * pow(check_number("fraction", fraction), check_positive("phi", phi))


def boundaries(fractions: Iterable[float], alpha: float = 0.05, phi: float = 2.0) -> Boundaries:
    """The boundaries of looks at these shares of all information (of the units, say), rising to 1 at most. 3 ms a look.

    Stop at the first look whose |z| reaches its boundary, or whose two-sided p falls to that look's ``p``: then the
    chance of a false alarm is ``alpha`` over all looks. ``phi`` 1 spends it evenly, more keeps it for the last looks.
    Source: Lan and DeMets (1983), Kim and DeMets (1987).

    >>> [round(z, 4) for z in boundaries([0.5, 1.0]).z]
    [2.4977, 2.0183]
    """
    times = _check_fractions(fractions)
    spends = [spent(time, alpha, phi) for time in times]
    path: _Path = ((0.0, 1.0),)
    found: list[float] = []
    for (before, time), (paid, now) in zip(pairwise([0.0, *times]), pairwise([0.0, *spends])):
        width = sqrt(time - before)
        edge = _edge(path, width, now - paid)
        found.append(edge / sqrt(time))
        path = _step(path, width, edge)
    ps = tuple(2.0 * normal_sf(z) for z in found)
    return Boundaries(times, tuple(spends), tuple(found), ps, alpha, phi)


def _check_fractions(fractions: Iterable[float]) -> tuple[float, ...]:
    times = tuple(check_number("fraction", fraction) for fraction in fractions)
    if not times or times[0] <= 0.0 or times[-1] > 1.0 or any(a >= b for a, b in pairwise(times)):
        raise InvalidInput("the fractions of information rise, from above 0 to at most 1", fractions=times)
    return times


def _edge(path: _Path, width: float, spend: float) -> float:
    """How far the process must be to stop, so that exactly ``spend`` of it does at this look."""

    def excess(edge: float) -> float:
        return fsum(m * (normal_sf((edge - u) / width) + normal_sf((edge + u) / width)) for u, m in path) - spend

    low = width * normal_isf(0.5 * spend)  # where it would be, had nothing happened before
    return solve(excess, 0.0, max(low, 0.0) + _FARTHEST, 1e-14)


def _step(path: _Path, width: float, edge: float) -> _Path:
    """The process at this look, where it goes on: points and their masses."""
    need = ceil(6.0 * edge / width / 32.0) * 32
    points = gauss_legendre(min(MOST_POINTS, max(64, need)))
    return [(edge * x, edge * w * _density(path, width, edge * x)) for x, w in points]


def _density(path: _Path, width: float, at: float) -> float:
    near = 9.0 * width if len(path) > 1 else inf
    return fsum(m * normal_pdf((at - u) / width) for u, m in path if abs(at - u) < near) / width
