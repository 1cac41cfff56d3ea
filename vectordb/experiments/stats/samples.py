"""What a test needs of an arm: how many units, their mean and its variance a unit, however these came about.

A metric that is no plain mean (a proportion, a ratio, one adjusted by a covariate) is brought to this form once; then
every comparison of means applies to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import isfinite
from typing import Final

from ledger import InvalidInput
from projections import JointMoments, Moments
from vectordb.experiments.stats.inputs import check_count, check_number
from vectordb.experiments.stats.result import Result

_RATIO: Final = ("each unit has a numerator and a denominator; the mean denominator is far from 0 (delta method)",)
_CUPED: Final = ("the covariate was measured before exposure", "one theta for both arms, from their pooled units")
_PROPORTION: Final = ("each unit is a success or not",)


@dataclass(frozen=True)
class Sample(Result):
    """``size`` units of an arm, the ``mean`` of their metric, and the ``variance`` of one unit.

    ``mean`` is None of no units, ``variance`` where too few units say it; ``rest`` is what rounding took from the mean.
    The variance of the mean is ``variance / size``, whatever the kind.
    """

    size: int
    mean: float | None
    variance: float | None
    kind: str = "mean"
    assumptions: tuple[str, ...] = ()
    rest: float = 0.0

    def __post_init__(self) -> None:
        check_count("size", self.size)
        if (self.mean is None) != (self.size == 0):
            raise InvalidInput("a sample has a mean if it has units", size=self.size, mean=self.mean)
        if self.mean is not None:
            check_number("mean", self.mean)
        if self.variance is not None and check_number("variance", self.variance) < 0.0:
            raise InvalidInput("a variance is not negative", variance=self.variance)


def mean_sample(moments: Moments) -> Sample:
    """A metric's mean over units, and its variance over n - 1, each rounded once from exact sums.

    >>> from projections import moments
    >>> mean_sample(moments([1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16])).variance
    30.0
    """
    size, scale = moments.size, moments.scale
    if not size:
        return Sample(0, None, None)
    spread = Fraction(moments.spread, size * (size - 1) * scale**2) if size > 1 else None
    return _sample(size, Fraction(moments.total, size * scale), spread)


def proportion_sample(successes: int, size: int) -> Sample:
    """A share of units, with the variance p (1 - p).

    >>> proportion_sample(14, 28).variance
    0.25
    """
    check_count("size", size)
    if check_count("successes", successes) > size:
        raise InvalidInput("successes are at most the units", successes=successes, size=size)
    if not size:
        return Sample(0, None, None, "proportion", _PROPORTION)
    spread = Fraction(successes * (size - successes), size * size)
    return _sample(size, Fraction(successes, size), spread, "proportion", _PROPORTION)


def ratio_sample(pairs: JointMoments) -> Sample:
    """The sum of the y over the sum of the x, by the delta method.

    With M and D the means of y and x the variance is var(y) / D^2 + var(x) M^2 / D^4 - 2 cov M / D^3, here from exact
    sums. Source: Deng, Knoblich and Lu, "Applying the delta method in metric analytics" (2018).

    >>> from projections import joint_moments
    >>> ratio_sample(joint_moments([(1, 2), (3, 4), (2, 4)])).mean
    0.6
    """
    n, y, x = pairs.size, pairs.y, pairs.x
    if not n:
        return Sample(0, None, None, "ratio", _RATIO)
    if not x:
        raise InvalidInput("the denominators of a ratio metric do not sum to 0", units=n)
    spread_y, spread_x, spread_yx = pairs.spreads
    top = spread_y * x * x + spread_x * y * y - 2 * spread_yx * y * x
    variance = Fraction(top * n, (n - 1) * x**4) if n > 1 else None
    return _sample(n, Fraction(y, x), variance, "ratio", _RATIO)


@dataclass(frozen=True)
class Cuped(Result):
    """Both arms adjusted by a covariate: y - theta (x - its pooled mean).

    ``reduction`` is the share of the pooled variance that the covariate explains.
    """

    a: Sample
    b: Sample
    theta: float | None
    covariate_mean: float | None
    reduction: float
    method: str = "CUPED"


def cuped(a: JointMoments, b: JointMoments) -> Cuped:
    """The arms of pairs (metric y, covariate x), adjusted with one theta = cov(y, x) / var(x) over both arms.

    Theta is 0 when var(x) is. The covariate is centred, so that the means keep their level and lifts their meaning;
    the difference is that of y - theta x. Source: Deng, Xu, Kohavi and Walker, "Improving the sensitivity of online
    controlled experiments by utilizing pre-experiment data" (2013).

    >>> from projections import joint_moments
    >>> found = cuped(joint_moments([(1, 1), (3, 2), (4, 3)]), joint_moments([(3, 1), (4, 2), (7, 4)]))
    >>> round(found.theta, 6), round(found.b.mean - found.a.mean, 6)
    (1.512195, 1.495935)
    """
    both = a.merge(b)
    spread_y, spread_x, spread_yx = both.spreads
    theta = Fraction(spread_yx, spread_x) if spread_x else Fraction(0)
    centre = Fraction(both.x, both.size * both.scale) if both.size else Fraction(0)
    reduction = float(theta * spread_yx / spread_y) if spread_y else 0.0
    arms = _adjusted(a, theta, centre), _adjusted(b, theta, centre)
    return Cuped(*arms, _rounded(theta), _rounded(centre) if both.size else None, reduction)


def _adjusted(pairs: JointMoments, theta: Fraction, centre: Fraction) -> Sample:
    n, scale = pairs.size, pairs.scale
    if not n:
        return Sample(0, None, None, "CUPED", _CUPED)
    mean = Fraction(pairs.y, n * scale) - theta * (Fraction(pairs.x, n * scale) - centre)
    spread_y, spread_x, spread_yx = pairs.spreads
    spread = spread_y + theta * theta * spread_x - 2 * theta * spread_yx
    variance = spread / (n * (n - 1) * scale**2) if n > 1 else None
    return _sample(n, mean, variance, "CUPED", _CUPED)


def _sample(
    size: int, mean: Fraction, variance: Fraction | None, kind: str = "mean", said: tuple[str, ...] = ()
) -> Sample:
    near = _rounded(mean)
    if near is None:
        raise InvalidInput("a mean is within float64", kind=kind, size=size)
    return Sample(size, near, _rounded(variance), kind, said, float(mean - Fraction(near)))


def _rounded(exact: Fraction | None) -> float | None:
    """The nearest float64; None of None, and beyond float64."""
    try:
        return None if exact is None else exact.numerator / exact.denominator
    except OverflowError:
        return None


def finite(value: float | None) -> float | None:
    """The value, or None where it left float64."""
    return value if value is not None and isfinite(value) else None
