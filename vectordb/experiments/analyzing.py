"""Analyzing: what a caller asks, checked; where the numbers come from; and the analysis made of them."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any, Final

from ledger import MISSING, InvalidInput, Metric, UnknownName, duration_micros, from_micros
from projections import JointMoments, Moments, Tallies
from vectordb.experiments.analysis import Analysis, ArmSummary
from vectordb.experiments.at_exposure import excluded_units
from vectordb.experiments.estimating import Rules
from vectordb.experiments.methods import METHODS, Options, Shown, check_method, ratio_of, show
from vectordb.experiments.soundness import check_ratio, warnings_of
from vectordb.experiments.sources import OWN, Source, UnitSource
from vectordb.experiments.stats.inputs import check_count, check_share
from vectordb.experiments.stats.sequential import TUNED

if TYPE_CHECKING:
    from vectordb.reader import Reader

SECOND: Final = 1_000_000


@dataclass(frozen=True)
class Asked:
    """The arguments of an analysis as a caller gives them; see ``Experiment.analyze``."""

    alpha: float = 0.05
    method: str = "welch"
    quantile: float = 0.5
    cuped: bool = False
    sequential: bool = True
    tuned: int = TUNED
    window: Any = MISSING
    exclude: Any = None
    segments: str | None = None
    seed: int = 0

    def options(self, metric: str, defined: Metric) -> Options:
        """Checked, for one metric."""
        if self.method not in METHODS:
            raise InvalidInput("a method is one of these", method=self.method, known=list(METHODS))
        for name in ("cuped", "sequential"):
            if not isinstance(getattr(self, name), bool):
                raise InvalidInput(f"{name} is True or False", **{name: getattr(self, name)})
        tuned, alpha = check_count("tuned", self.tuned, 1), check_share("alpha", self.alpha)
        rules = Rules(alpha, tuned if self.sequential else None)
        seed, share = check_count("seed", self.seed), check_share("quantile", self.quantile)
        options = Options(metric, self.method, share, self.cuped, rules, seed)
        check_method(options, defined.aggregate, defined.over, defined.covariate)
        return options

    @property
    def micros(self) -> int | None:
        """The attribution window."""
        if self.window is MISSING or self.window is None:
            return OWN if self.window is MISSING else None
        found = duration_micros(self.window)
        if not found:
            raise InvalidInput("an attribution window is longer than nothing", window=self.window)
        return found


def source_of(reader: Reader, name: str, asked: Asked) -> Source:
    """Where the numbers come from: the tallies where they can say it, else the units."""
    tallies, window = reader.state.experiments.tallies(name, reader.as_of_offset), asked.micros
    if window == OWN and asked.exclude is None and not asked.cuped and asked.segments is None:
        return Source(reader, tallies)
    units = reader.state.experiments.units(name, reader.as_of_offset)
    kept = None
    if asked.exclude is not None:
        out = excluded_units(reader, tallies.definition.unit, units, asked.exclude)
        kept = {one.unit for one in units} - out
    return UnitSource(reader, tallies, window, {}, units, kept)


def metric_of(tallies: Tallies, name: Any) -> Metric:
    """A metric as it is defined; raises ``UnknownName``."""
    found = tallies.definition.metrics.get(name) if isinstance(name, str) else None
    if found is None:
        known = list(tallies.definition.metrics)[:20]
        given = {"experiment": tallies.definition.label, "metric": name, "known": known}
        raise UnknownName("the experiment has no such metric", **given)
    return found


def analyze(source: Source, metric: str, asked: Asked) -> Analysis:
    """The analysis of a source."""
    defined, reader, tallies = metric_of(source.tallies, metric), source.reader, source.tallies
    options = asked.options(metric, defined)
    shown = show(source, options)
    ratio, said = check_ratio(source)
    return Analysis(
        experiment=tallies.definition.label,
        metric=metric,
        as_of=tallies.offset,
        at=from_micros(reader.clock()),
        method=shown.method,
        assumptions=(*shown.assumptions, *_always_valid(options.rules), *said),
        alpha=options.rules.alpha,
        arms=_arms(source, metric),
        effects=shown.effects,
        sample_ratio=ratio,
        exposed=sum(source.exposed.values()),  # ints
        conflicted=tallies.conflicted,
        forced=tallies.forced,
        excluded=source.excluded,
        outcomes=reader.state.experiments.recorded(tallies.definition.name, metric, tallies.offset),
        warnings=warnings_of(source, ratio),
        aggregate=defined.aggregate,
        over=defined.over,
        window=_seconds(defined.window_micros if source.window == OWN else source.window),
        **_of_method(options, defined, shown),
    )


def _of_method(options: Options, defined: Metric, shown: Shown) -> dict[str, Any]:
    """The fields that only some methods have."""
    found: dict[str, Any] = {}
    if options.method == "quantile":
        found["quantile"] = options.quantile
    if options.method == "bootstrap":
        found["seed"] = options.seed
    if options.cuped:
        found |= {"covariate": defined.covariate, "missing_covariates": shown.missing}
    return found


def _always_valid(rules: Rules) -> tuple[str, ...]:
    if rules.tuned is None:
        return ()
    return (f"always-valid figures: tuned to {rules.tuned:,} units beforehand, near normal at the first look",)


def _seconds(micros: int | None) -> float | None:
    return None if micros is None else micros / SECOND


def _arms(source: Source, metric: str) -> tuple[ArmSummary, ...]:
    weights, exposed = source.definition.arms, source.exposed
    if source.definition.metrics[metric].over:
        found = {arm: _ratio_fields(own) for arm, own in source.joint(metric).items()}
    else:
        found = {arm: _fields(own) for arm, own in source.moments(metric).items()}
    return tuple(ArmSummary(arm, weights.get(arm), exposed[arm], **own) for arm, own in found.items())


def _fields(sums: Moments) -> dict[str, Any]:
    return {"n": sums.size, "total": _over(sums.total, sums.scale), "mean": sums.mean, "deviation": sums.std}


def _ratio_fields(sums: JointMoments) -> dict[str, Any]:
    ratio = ratio_of(sums)
    deviation = None if ratio.variance is None else sqrt(ratio.variance)
    both = {"total": _over(sums.y, sums.scale), "under": _over(sums.x, sums.scale)}
    return {"n": sums.size, "mean": ratio.mean, "deviation": deviation, **both}


def _over(total: int, scale: int) -> float | None:
    """A sum, rounded once; None beyond float64."""
    try:
        return total / scale
    except OverflowError:
        return None
