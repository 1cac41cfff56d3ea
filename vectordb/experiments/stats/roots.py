"""Where a function crosses zero, between two points where its signs differ."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ledger import InvalidInput

_EPSILON: Final = 2.0**-52
_MOST_STEPS: Final = 200


def solve(function: Callable[[float], float], low: float, high: float, tolerance: float = 0.0) -> float:
    """A root of a continuous function between ``low`` and ``high``, to ``tolerance`` or a few steps of float64.

    Bisection, with inverse quadratic interpolation where it is safe. Source: Chandrupatla, Advances in Engineering
    Software 28 (1997) 145.

    >>> round(solve(lambda x: x * x - 2.0, 0.0, 2.0), 12)
    1.414213562373
    """
    a, b = low, high
    fa, fb = function(a), function(b)
    if (fa > 0.0) == (fb > 0.0) and fa and fb:
        raise InvalidInput("a root lies between two values of different sign", low=low, high=high, values=(fa, fb))
    share, best = 0.5, a
    for _ in range(_MOST_STEPS):
        x = a + share * (b - a)
        fx = function(x)
        if (fx > 0.0) == (fa > 0.0):
            c, fc, a, fa = a, fa, x, fx
        else:
            c, fc, a, fa, b, fb = b, fb, x, fx, a, fa
        best, least = (a, fa) if abs(fa) < abs(fb) else (b, fb)
        room = (2.0 * _EPSILON * abs(best) + 0.5 * tolerance + 5e-324) / abs(b - a) if a != b else 1.0
        if room > 0.5 or not least:
            return best
        share = min(1.0 - room, max(room, _share(a, b, c, fa, fb, fc)))
    return best


def _share(a: float, b: float, c: float, fa: float, fb: float, fc: float) -> float:
    """How far from ``a`` to ``b`` the next point lies."""
    if fb == fa or fc in (fa, fb) or c == b:
        return 0.5
    xi, phi = (a - b) / (c - b), (fa - fb) / (fc - fb)
    if not (phi * phi < xi and (1.0 - phi) * (1.0 - phi) < 1.0 - xi):
        return 0.5
    return fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
