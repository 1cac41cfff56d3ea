"""Many metrics at once: adjusted p-values, and guardrails."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from vectordb.experiments.stats.inputs import (
    check_count,
    check_number,
    check_positive,
    check_probability,
    check_share,
)
from vectordb.experiments.stats.result import Result
from vectordb.experiments.stats.sequential import LEAST_P
from vectordb.experiments.stats.special import normal_isf, normal_sf

_UNCORRECTED: Final = "shipped only when every guardrail passes: alpha needs no correction, the power does"


@dataclass(frozen=True)
class Adjusted(Result):
    """P-values as given, adjusted in the same order, and whether each is at most alpha then."""

    p: tuple[float, ...]
    adjusted: tuple[float, ...]
    rejected: tuple[bool, ...]
    alpha: float
    method: str
    assumptions: tuple[str, ...]


@dataclass(frozen=True)
class Guardrail(Result):
    """Whether a metric got worse by less than ``margin``: a one-sided test and the bound that goes with it.

    ``bound`` is the worst effect that alpha leaves; it passes when that is better than a loss of ``margin``. ``power``
    is the chance to pass without any effect, and ``needed_power`` what all tests together ask of each.
    """

    effect: float
    se: float
    margin: float
    increase_is_good: bool
    bound: float
    p: float
    passes: bool
    power: float
    needed_power: float
    powered: bool
    alpha: float
    method: str = "one-sided z test of non-inferiority"
    assumptions: tuple[str, ...] = ("the estimate is near normal", _UNCORRECTED)


def holm(p_values: Iterable[float], alpha: float = 0.05) -> Adjusted:
    """The chance of any false rejection is at most alpha: p(i) (m - i) in rising order, running maximum.

    Source: Holm, Scandinavian Journal of Statistics 6 (1979) 65.

    >>> [round(p, 10) for p in holm([0.01, 0.04, 0.03, 0.005, 0.55, 0.6]).adjusted]
    [0.05, 0.12, 0.12, 0.03, 1.0, 1.0]
    """
    given, order = _ordered(p_values)
    scaled = [given[place] * (len(given) - rank) for rank, place in enumerate(order)]
    kept = list(accumulate(scaled, max))
    return _adjusted(given, order, kept, alpha, "Holm", ("the error of the whole family is controlled",))


def benjamini_hochberg(p_values: Iterable[float], alpha: float = 0.05) -> Adjusted:
    """The expected share of false ones among the rejections is at most alpha: p(i) m / i, running minimum from above.

    Source: Benjamini and Hochberg, Journal of the Royal Statistical Society B 57 (1995) 289.

    >>> [round(p, 10) for p in benjamini_hochberg([0.01, 0.04, 0.03, 0.005]).adjusted]
    [0.02, 0.04, 0.04, 0.02]
    """
    given, order = _ordered(p_values)
    scaled = [given[place] * (len(given) / (rank + 1)) for rank, place in enumerate(order)]
    kept = list(accumulate(reversed(scaled), min))[::-1]
    assumptions = ("the false discovery rate is controlled", "tests are independent or positively dependent")
    return _adjusted(given, order, kept, alpha, "Benjamini-Hochberg", assumptions)


def _ordered(p_values: Iterable[float]) -> tuple[tuple[float, ...], list[int]]:
    given = tuple(check_probability("p", p) for p in p_values)
    return given, sorted(range(len(given)), key=given.__getitem__)


def _adjusted(
    given: tuple[float, ...],
    order: Sequence[int],
    kept: Sequence[float],
    alpha: float,
    method: str,
    assumptions: tuple[str, ...],
) -> Adjusted:
    level = check_share("alpha", alpha)
    placed = dict(zip(order, kept))
    adjusted = tuple(min(1.0, placed[place]) for place in range(len(given)))
    return Adjusted(given, adjusted, tuple(p <= level for p in adjusted), level, method, assumptions)


def needed_power(power: float, guardrails: int, success: bool = True) -> float:
    """What each test needs for all to pass with ``power``: 1 - (1 - power) / tests, the success metrics being one.

    Source: Schultzberg, Ankargren and Frånberg, arXiv 2402.11609.

    >>> needed_power(0.8, 3)
    0.95
    """
    tests = check_count("guardrails", guardrails, 0 if success else 1) + bool(success)
    return 1.0 - (1.0 - check_share("power", power)) / tests


def guardrail(
    effect: float,
    se: float,
    margin: float,
    alpha: float = 0.05,
    *,
    power: float = 0.8,
    guardrails: int = 1,
    success: bool = True,
    increase_is_good: bool = True,
) -> Guardrail:
    """Whether the metric is worse by less than ``margin`` (above 0, in the units of the effect).

    Alpha is not divided by the number of guardrails; the power each needs is raised instead.

    >>> found = guardrail(-0.1, 0.2, 0.5)
    >>> round(found.p, 6), round(found.bound, 6), found.passes, found.powered
    (0.02275, -0.428971, True, False)
    """
    effect, se = check_number("effect", effect), check_positive("se", se)
    margin, level = check_positive("margin", margin), check_share("alpha", alpha)
    sign = 1.0 if increase_is_good else -1.0
    far = normal_isf(level)
    bound = sign * effect - far * se
    p = max(LEAST_P, normal_sf((sign * effect + margin) / se))
    chance, needed = normal_sf(far - margin / se), needed_power(power, guardrails, success)
    return Guardrail(
        effect, se, margin, increase_is_good, sign * bound, p, bound > -margin, chance, needed, chance >= needed, level
    )
