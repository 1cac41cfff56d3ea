"""The bootstrap of a statistic of one or two arms: seeded, with percentile and BCa intervals."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import fsum, inf, isfinite, sqrt
from random import Random
from typing import Final, NamedTuple

from ledger import InvalidInput
from vectordb.experiments.stats.inputs import check_count, check_share
from vectordb.experiments.stats.result import Result
from vectordb.experiments.stats.special import normal_cdf, normal_ppf
from vectordb.experiments.stats.unit_values import unit_values
from vectordb.views.quantiles import quantiles

Statistic = Callable[..., float]
Arms = Sequence[Sequence[float]]

ONE_SIDED: Final = "no resample or every one is below the estimate: BCa has no bias correction"
NO_SPREAD: Final = "leaving out a unit never changes the statistic: BCa has no acceleration"

_METHODS: Final = ("BCa", "percentile")
_ASSUMED: Final = ("units are independent", "the resampled distribution is that of the statistic")


@dataclass(frozen=True)
class Bootstrap(Result):
    """A statistic with the spread of its resamples, and the interval of confidence 1 - ``alpha``.

    ``bias`` is the resamples' mean less the estimate. BCa without a correction or an acceleration has no interval;
    ``undefined`` says which lacks.
    """

    method: str
    assumptions: tuple[str, ...]
    alpha: float
    estimate: float
    standard_error: float
    bias: float
    low: float | None
    high: float | None
    resamples: int
    seed: int
    correction: float | None = None
    acceleration: float | None = None
    undefined: str | None = None


def mean_of(values: Sequence[float]) -> float:
    """The mean: a statistic of one arm.

    >>> mean_of([0.1] * 10)
    0.1
    """
    try:
        return fsum(values) / len(values)
    except OverflowError:
        return fsum([value / len(values) for value in values])


def mean_difference(a: Sequence[float], b: Sequence[float]) -> float:
    """The mean of b less that of a: a statistic of two arms."""
    return mean_of(b) - mean_of(a)


def bootstrap(
    statistic: Statistic,
    *arms: Iterable[float],
    seed: int,
    alpha: float = 0.05,
    method: str = "BCa",
    resamples: int = 2_000,
) -> Bootstrap:
    """A statistic of one or two arms, each resampled by itself; one seed gives one answer.

    BCa evaluates the statistic once more for each unit left out. Source: Efron and Tibshirani, "An introduction to the
    bootstrap" (1993), chapters 13 and 14.

    >>> found = bootstrap(mean_of, [2.0, 3.0, 5.0, 8.0, 13.0], seed=7)
    >>> found.estimate, found.low < 6.2 < found.high, found == bootstrap(mean_of, [2, 3, 5, 8, 13], seed=7)
    (6.2, True, True)
    """
    if method not in _METHODS:
        raise InvalidInput("the method is one of these", method=method, known=_METHODS)
    if len(arms) not in (1, 2):
        raise InvalidInput("one or two arms are resampled", arms=len(arms))
    check_share("alpha", alpha), check_count("resamples", resamples, 2), check_count("seed", seed)
    held = [unit_values("an arm", arm, least=2) for arm in arms]
    estimate, drawn = _value(statistic, held), sorted(replicates(statistic, held, seed, resamples))
    near = mean_of(drawn)
    error = sqrt(_total([(value - near) * (value - near) for value in drawn]) / (resamples - 1))
    plain = _Ends((0.5 * alpha, 1.0 - 0.5 * alpha))
    ends = plain if method == "percentile" else _bca(plain, statistic, held, _share_below(drawn, estimate))
    low, high = quantiles(drawn, ends.shares) if ends.shares else (None, None)
    told = (f"bootstrap, {method}", _ASSUMED, alpha, estimate, error, near - estimate, low, high, resamples, seed)
    return Bootstrap(*told, ends.correction, ends.acceleration, ends.undefined)


def replicates(statistic: Statistic, arms: Arms, seed: int, resamples: int) -> list[float]:
    """The statistic of so many resamples, with replacement, in the order drawn."""
    rng = Random(seed)
    return [_value(statistic, [rng.choices(arm, k=len(arm)) for arm in arms]) for _ in range(resamples)]


class _Ends(NamedTuple):
    """Which quantiles of the resamples are the bounds, and how they came about."""

    shares: tuple[float, float] | None
    correction: float | None = None
    acceleration: float | None = None
    undefined: str | None = None


def _bca(plain: _Ends, statistic: Statistic, arms: Arms, below: float) -> _Ends:
    if not 0.0 < below < 1.0:
        return _Ends(None, undefined=ONE_SIDED)
    correction, acceleration = normal_ppf(below), _acceleration(statistic, arms)
    if acceleration is None:
        return _Ends(None, correction, undefined=NO_SPREAD)
    moved = [correction + normal_ppf(share) for share in plain.shares or ()]
    low, high = (normal_cdf(correction + move / (1.0 - acceleration * move)) for move in moved)
    return _Ends((low, high), correction, acceleration)


def _share_below(drawn: Sequence[float], estimate: float) -> float:
    """The share of resamples below the estimate, equal ones by half."""
    return (bisect_left(drawn, estimate) + bisect_right(drawn, estimate)) / (2 * len(drawn))


def _acceleration(statistic: Statistic, arms: Arms) -> float | None:
    """A sixth of the skewness of the statistic over the units left out, of all arms together."""
    cubes, squares = [], []
    for place, arm in enumerate(arms):
        rest: list[Sequence[float]] = list(arms)
        values = []
        for unit in range(len(arm)):
            rest[place] = [*arm[:unit], *arm[unit + 1 :]]
            values.append(_value(statistic, rest))
        middle, size = mean_of(values), len(arm)
        moves = [(size - 1) * (middle - value) / size for value in values]
        cubes += [move * move * move for move in moves]
        squares += [move * move for move in moves]
    spread = _total(squares)
    found = _total(cubes) / (6.0 * spread * sqrt(spread)) if spread else None
    return None if found is None or not isfinite(found) else found


def _total(values: Sequence[float]) -> float:
    """The sum, infinite or NaN where it is beyond float64."""
    try:
        return fsum(values)
    except (OverflowError, ValueError):
        return inf


def _value(statistic: Statistic, arms: Arms) -> float:
    value = float(statistic(*arms))
    if not isfinite(value):
        raise InvalidInput("a statistic is a finite number", value=value)
    return value
