"""Methods: how the arms of an analysis are compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from ledger import InvalidInput
from projections import JointMoments, Moments
from vectordb.experiments.analysis import ArmEffect
from vectordb.experiments.covariates import covaried
from vectordb.experiments.estimating import Rules, Verdict, compare, effect
from vectordb.experiments.sources import Source, exact
from vectordb.experiments.stats.bayes import BETA, NORMAL, beta_binomial
from vectordb.experiments.stats.fourfold import fisher_exact, odds_ratio
from vectordb.experiments.stats.proportions import two_proportions
from vectordb.experiments.stats.samples import Sample, cuped, mean_sample, proportion_sample, ratio_sample
from vectordb.experiments.stats.tables import Table, chi_square
from vectordb.experiments.unit_methods import bootstrap_effect, quantile_of, rank_effect

UNITS: Final = "units are independent"
LARGE: Final = "n is large enough in each arm for the estimate to be near normal"
OF_SHARES: Final = ("proportions", "chi_square", "fisher")
DELTA: Final = "relative: the delta method, first order; fieller: normal means"


@dataclass(frozen=True)
class Options:
    """What a caller asks of an analysis, checked."""

    metric: str
    method: str
    quantile: float
    cuped: bool
    rules: Rules
    seed: int


class Shown(NamedTuple):
    """What a method makes of a source."""

    method: str
    assumptions: tuple[str, ...]
    effects: tuple[ArmEffect, ...]
    missing: int | None = None


def show(source: Source, options: Options) -> Shown:
    """The effects of all arms but the control."""
    if source.definition.metrics[options.metric].over:
        return _ratio(source, options)
    return _cuped(source, options) if options.cuped else METHODS[options.method](source, options)


def _against(source: Source, make: Callable[[str, str], ArmEffect]) -> tuple[ArmEffect, ...]:
    control = source.definition.control
    return tuple(make(arm, control) for arm in source.exposed if arm != control)


def _compared(source: Source, options: Options, samples: Mapping[str, Sample]) -> tuple[ArmEffect, ...]:
    return _against(source, lambda arm, control: compare(arm, control, samples[arm], samples[control], options.rules))


def _welch(source: Source, options: Options) -> Shown:
    sums = source.moments(options.metric)
    samples = {arm: mean_sample(own) for arm, own in sums.items()}
    shown = Shown("Welch's t", (UNITS, LARGE, DELTA), _compared(source, options, samples))
    return _with_posteriors(shown, source, options, sums)


def _ratio(source: Source, options: Options) -> Shown:
    samples = {arm: ratio_of(sums) for arm, sums in source.joint(options.metric).items()}
    assumptions = (UNITS, LARGE, DELTA, "the ratio is linearised, and its denominator's mean far from 0", NORMAL)
    return Shown("Welch's t of a ratio of means", assumptions, _compared(source, options, samples))


def ratio_of(sums: JointMoments) -> Sample:
    """A ratio of means; that of an arm whose denominators sum to 0 is none."""
    return ratio_sample(sums) if sums.x else Sample(0, None, None, "ratio")


def _cuped(source: Source, options: Options) -> Shown:
    sums, missing = covaried(source, options.metric)

    def adjusted(arm: str, control: str) -> ArmEffect:
        found = cuped(sums[control], sums[arm])
        shown = compare(arm, control, found.b, found.a, options.rules)
        return replace(shown, theta=found.theta, reduction=found.reduction)

    assumptions = (
        UNITS, LARGE, DELTA, "one theta for both arms, from their pooled units, taken as known",
        "a unit without the covariate has the mean of those that have one", NORMAL,
    )  # fmt: skip
    return Shown("Welch's t after CUPED", assumptions, _against(source, adjusted), missing)


def _proportions(source: Source, options: Options) -> Shown:
    said = (LARGE, "p is that of the pooled z test, the interval unpooled")
    return _shares(source, options, "two proportions", said, None)


def _chi_square(source: Source, options: Options) -> Shown:
    said = ("p is that of Pearson's test of the 2x2 table, uncorrected; five units or more expected of each cell",)

    def test(table: Table) -> Verdict:
        found = chi_square(table)
        return Verdict(found.statistic, found.p_value)

    return _shares(source, options, "chi-square of two proportions", said, test)


def _fisher(source: Source, options: Options) -> Shown:
    said = ("p is that of Fisher's exact test of the 2x2 table, which holds at any size",)

    def test(table: Table) -> Verdict:
        return Verdict(None, fisher_exact(table).p_value)

    return _shares(source, options, "Fisher exact of two proportions", said, test)


def _shares(
    source: Source, options: Options, method: str, said: tuple[str, ...], test: Callable[[Table], Verdict] | None
) -> Shown:
    """Conversions compared as shares; ``test`` gives the p of a table of them (None: the pooled z)."""
    sums = source.moments(options.metric)
    counts = {arm: conversions(own) for arm, own in sums.items()}

    def share(arm: str, control: str) -> ArmEffect:
        pair = counts[control], counts[arm]
        found = two_proportions(*pair, options.rules.alpha)
        table = [[won, size - won] for won, size in pair]
        verdict = Verdict(found.statistic, found.p_value) if test is None else test(table)
        samples = proportion_sample(*counts[arm]), proportion_sample(*counts[control])
        shown = effect(arm, control, *samples, found, verdict, options.rules)
        return replace(shown, odds_ratio=odds_ratio(table[::-1], options.rules.alpha))

    assumptions = (UNITS, *said, DELTA, "the interval is unpooled and near normal")
    return _with_posteriors(Shown(method, assumptions, _against(source, share)), source, options, sums)


def conversions(sums: Moments) -> tuple[int, int]:
    """How many units converted, of how many, from the moments of zeros and ones."""
    return sums.total // sums.scale, sums.size


def _with_posteriors(shown: Shown, source: Source, options: Options, sums: Mapping[str, Moments]) -> Shown:
    """Means of conversions are rates, each with a beta posterior; the effects of other means keep their normal one."""
    if source.definition.metrics[options.metric].aggregate != "any":
        return shown._replace(assumptions=(*shown.assumptions, NORMAL))
    counts = {arm: conversions(own) for arm, own in sums.items()}
    effects = tuple(_with_rates(one, counts[one.arm], counts[one.control]) for one in shown.effects)
    return shown._replace(assumptions=(*shown.assumptions, BETA), effects=effects)


def _with_rates(found: ArmEffect, treated: tuple[int, int], base: tuple[int, int]) -> ArmEffect:
    if not treated[1] or not base[1]:
        return found
    rates = beta_binomial(base, treated)
    losses = rates.loss_control, rates.loss_treatment
    return replace(found, chance_to_win=rates.chance_to_win, loss_control=losses[0], loss_treatment=losses[1])


def _quantile(source: Source, options: Options) -> Shown:
    share, alpha = options.quantile, options.rules.alpha
    samples = {arm: quantile_of(own, share, alpha) for arm, own in source.values(options.metric).items()}
    assumptions = (UNITS, DELTA, "the quantile's error is the width of its order-statistic interval", NORMAL)
    return Shown(f"quantile {share:g}", assumptions, _compared(source, options, samples))


def _mann_whitney(source: Source, options: Options) -> Shown:
    values = source.values(options.metric)

    def ranked(arm: str, control: str) -> ArmEffect:
        return rank_effect(arm, control, values[arm], values[control], options.rules)

    assumptions = (
        UNITS, "p: exact in small arms without ties, else near normal, corrected for ties and continuity",
        "the effect is P(treatment above control) + P(equal) / 2 - 1/2, its error that of the placements", NORMAL,
    )  # fmt: skip
    return Shown("Mann-Whitney", assumptions, _against(source, ranked))


def _bootstrap(source: Source, options: Options) -> Shown:
    values = source.values(options.metric)

    def resampled(arm: str, control: str) -> ArmEffect:
        return bootstrap_effect(arm, control, values[arm], values[control], options.rules, options.seed)

    assumptions = (UNITS, "BCa up to 2,000 units, else percentiles; p by z with the resamples' deviation", DELTA)
    shown = Shown("bootstrap of the difference of means", assumptions, _against(source, resampled))
    return _with_posteriors(shown, source, options, {arm: exact(own) for arm, own in values.items()})


METHODS: Final[Mapping[str, Callable[[Source, Options], Shown]]] = {
    "welch": _welch,
    "proportions": _proportions,
    "chi_square": _chi_square,
    "fisher": _fisher,
    "mann_whitney": _mann_whitney,
    "bootstrap": _bootstrap,
    "quantile": _quantile,
}


def check_method(options: Options, aggregate: str, over: str, covariate: str) -> None:
    """Refuse a method that does not fit the metric."""
    if over and options.method != "welch":
        raise InvalidInput("a ratio is analyzed by welch", metric=options.metric, method=options.method)
    if options.method in OF_SHARES and aggregate != "any":
        rule = "proportions are of a metric whose aggregate is any"
        raise InvalidInput(rule, metric=options.metric, method=options.method, aggregate=aggregate)
    if options.cuped and (over or options.method != "welch" or not covariate):
        rule = "CUPED takes welch and a metric with a covariate that is no ratio"
        raise InvalidInput(rule, metric=options.metric, method=options.method, over=over, covariate=covariate)
