"""Always-valid inference: a confidence sequence that holds at every look, however often one looks.

The normal mixture of a mean's likelihood ratio. Source: Waudby-Smith et al., arXiv 2103.06476, equation 9; Howard et
al., arXiv 1810.08240, equation 14.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import exp, log, log1p, nextafter, sqrt
from typing import Final, NamedTuple

from ledger import InvalidInput
from vectordb.experiments.stats.inputs import check_count, check_number, check_share
from vectordb.experiments.stats.result import Result
from vectordb.experiments.stats.special import normal_isf, normal_sf

TUNED: Final = 5_000
LEAST_P: Final = nextafter(0.0, 1.0)  # a p-value below float64 is this one, which it is at most
_ASSUMPTIONS: Final = (
    "units are independent, and n is large enough at the first look for the estimate to be near normal",
    "the tuning size and alpha were chosen before the first look",
)


class Reading(NamedTuple):
    """What one look sees: ``n`` units of both arms, an estimate and its standard error."""

    n: int
    estimate: float
    se: float


@dataclass(frozen=True)
class Look(Result):
    """One look: the interval and p-value that hold at all looks together, and beside them those of a fixed horizon.

    ``running_p`` is the least always-valid p-value so far. A standard error of 0 is no evidence: no interval, p 1.
    """

    n: int
    estimate: float
    se: float
    low: float | None
    high: float | None
    p: float
    running_p: float
    fixed_low: float | None
    fixed_high: float | None
    fixed_p: float


@dataclass(frozen=True)
class ConfidenceSequence(Result):
    """Looks in their order. ``rejected_at`` counts from 0: the first look whose running p is at most alpha.

    ``peeking_rejected_at`` is where somebody who peeks with a fixed-horizon test would have stopped.
    """

    looks: tuple[Look, ...]
    alpha: float
    tuned: int
    mixing: float
    p: float
    rejected_at: int | None
    peeking_rejected_at: int | None
    method: str = "normal-mixture confidence sequence"
    assumptions: tuple[str, ...] = _ASSUMPTIONS


def mixing(alpha: float = 0.05, tuned: int = TUNED) -> float:
    """r = N / (-2 ln a + ln(1 - 2 ln a)): the interval is tightest at N units of both arms.

    >>> round(mixing(0.05, 5_000), 3)
    630.028
    """
    cost = -2.0 * log(check_share("alpha", alpha))
    return check_count("tuned", tuned, 1) / (cost + log1p(cost))


def multiplier(n: int, alpha: float = 0.05, tuned: int = TUNED) -> float:
    """Half the width of the interval, in standard errors: sqrt((n+r)/n ln((n+r)/(r a^2))).

    >>> [round(multiplier(n), 3) for n in (500, 2_500, 5_000, 20_000)]
    [3.855, 3.084, 3.035, 3.127]
    """
    r = mixing(alpha, tuned)
    n = check_count("n", n, 1)
    return sqrt((n + r) / n * (log1p(n / r) - 2.0 * log(alpha)))


def log_evidence(z: float, n: int, alpha: float = 0.05, tuned: int = TUNED) -> float:
    """The logarithm of e = exp(z^2 n / (2 (n+r))) sqrt(r / (n+r)), which has mean 1 at most without an effect.

    >>> round(log_evidence(3.0, 5_000), 4)
    2.9014
    """
    r = mixing(alpha, tuned)
    z, n = check_number("z", z), check_count("n", n, 1)
    return 0.5 * (z * z * (n / (n + r)) - log1p(n / r))


def always_valid_p(z: float, n: int, alpha: float = 0.05, tuned: int = TUNED) -> float:
    """min(1, 1/e): at most alpha exactly where the interval leaves 0 out; never 0.

    ``alpha`` only sets the tuning. A p-value below float64 is given as the smallest number above 0.

    >>> round(always_valid_p(3.5, 5_000), 6)
    0.012978
    """
    return max(LEAST_P, exp(min(0.0, -log_evidence(z, n, alpha, tuned))))


def confidence_sequence(
    readings: Iterable[tuple[int, float, float]], alpha: float = 0.05, tuned: int = TUNED
) -> ConfidenceSequence:
    """The looks at (n, estimate, standard error) in their order, peeking shown beside. 10 us a look.

    >>> found = confidence_sequence([(1_000, 0.3, 0.125), (5_000, 0.3, 0.056), (10_000, 0.3, 0.04)])
    >>> found.rejected_at, found.peeking_rejected_at, [round(look.low, 3) for look in found.looks]
    (1, 0, [-0.12, 0.13, 0.178])
    """
    looks: list[Look] = []
    running = 1.0
    for reading in readings:
        looks.append(_look(Reading(*reading), alpha, tuned, running))
        running = looks[-1].running_p
    at = next((number for number, look in enumerate(looks) if look.running_p <= alpha), None)
    peeking = next((number for number, look in enumerate(looks) if look.fixed_p <= alpha), None)
    return ConfidenceSequence(tuple(looks), alpha, tuned, mixing(alpha, tuned), running, at, peeking)


def _look(reading: Reading, alpha: float, tuned: int, running: float) -> Look:
    n = check_count("n", reading.n, 1)
    estimate, se = check_number("estimate", reading.estimate), check_number("se", reading.se)
    if se < 0.0:
        raise InvalidInput("a standard error is not negative", se=se)
    if se == 0.0:
        return Look(n, estimate, se, None, None, 1.0, running, None, None, 1.0)
    half, fixed = se * multiplier(n, alpha, tuned), se * normal_isf(0.5 * alpha)
    z = max(-1e150, min(1e150, estimate / se))  # a ratio beyond float64 is evidence enough
    p = always_valid_p(z, n, alpha, tuned)
    fixed_p = max(LEAST_P, 2.0 * normal_sf(abs(z)))
    ends = (estimate - half, estimate + half)
    return Look(n, estimate, se, *ends, p, min(running, p), estimate - fixed, estimate + fixed, fixed_p)
