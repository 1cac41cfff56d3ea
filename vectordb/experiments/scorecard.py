"""A scorecard: several metrics of an experiment at once, guardrails, and whether the experiment is sound."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from ledger import InvalidInput, from_micros
from vectordb.experiments.adjusting import Adjustments, adjust
from vectordb.experiments.analysis import Analysis
from vectordb.experiments.analyzing import Asked, analyze, source_of
from vectordb.experiments.history import check_looks
from vectordb.experiments.soundness import CHANGED, NOBODY, ONE_ARM, bucket_versions, changed_weights
from vectordb.experiments.stats.inputs import check_positive, check_share
from vectordb.experiments.stats.many import Guardrail, guardrail
from vectordb.experiments.stats.result import Result
from vectordb.experiments.stats.srm import SampleRatio, SequentialRatio, sequential_ratio
from vectordb.experiments.texts import scorecard_text

if TYPE_CHECKING:
    from ledger import ExperimentDefinition
    from vectordb.reader import Reader

LOOKS: Final = 20


@dataclass(frozen=True)
class GuardrailTest(Result):
    """A guardrail of one arm; ``test`` is None where there is no standard error, and then it does not pass."""

    metric: str
    arm: str
    margin: float
    increase_is_good: bool
    test: Guardrail | None
    passes: bool


@dataclass(frozen=True)
class Scorecard(Result):
    """The success metrics, one analysis each, their p-values adjusted together; and the guardrails.

    ``tests`` are named by metric and arm. ``ships`` lists the arms for which some metric rose or fell by Holm and
    every guardrail passes; whether a change is an improvement is for the reader to say. The sample ratio is tested at
    this look (``sample_ratio``), and over looks in a way that holds at all of them (``sample_ratios``, over first
    exposures, conflicted units too). ``str()`` gives it as small tables.
    """

    experiment: str
    as_of: int
    at: datetime
    alpha: float
    metrics: tuple[Analysis, ...]
    tests: Adjustments
    guardrails: tuple[GuardrailTest, ...]
    guarded: tuple[Analysis, ...]
    sample_ratio: SampleRatio | None
    sample_ratios: SequentialRatio | None
    ships: tuple[str, ...]
    warnings: tuple[str, ...]
    assumptions: tuple[str, ...]

    def __str__(self) -> str:
        return scorecard_text(self)

    def __getitem__(self, metric: str) -> Analysis:
        """The analysis of a metric or guardrail."""
        for one in (*self.metrics, *self.guarded):
            if one.metric == metric:
                return one
        raise KeyError(metric)


def scorecard(
    reader: Reader,
    name: str,
    metrics: Iterable[str] | None,
    guardrails: Mapping[str, Any],
    power: float,
    looks: Iterable[Any] | None,
    asked: Asked,
) -> Scorecard:
    """The scorecard as a pinned reader sees it."""
    rails = _rails(guardrails)
    check_share("power", power)
    source = source_of(reader, name, asked)
    every = [metric for metric in source.definition.metrics if metric not in rails]
    wanted = _metrics(every if metrics is None else metrics, rails)
    main = tuple(analyze(source, metric, asked) for metric in wanted)
    guarded = tuple(analyze(source, metric, asked) for metric in rails)
    first = (*main, *guarded)[0]
    tests = adjust([(f"{one.metric} {effect.arm}", effect.p) for one in main for effect in one.effects], asked.alpha)
    guards = tuple(_guards(guarded, rails, asked.alpha, power, bool(main)))
    ratios, said = _sequential(reader, source.definition, looks)
    return Scorecard(
        experiment=first.experiment,
        as_of=first.as_of,
        at=from_micros(reader.clock()),
        alpha=asked.alpha,
        metrics=main,
        tests=tests,
        guardrails=guards,
        guarded=guarded,
        sample_ratio=first.sample_ratio,
        sample_ratios=ratios,
        ships=_ships(main, tests, guards, asked.alpha, source.definition.arms),
        warnings=_warnings(first, ratios),
        assumptions=said,
    )


def _metrics(metrics: Iterable[str], guardrails: Mapping[str, Any]) -> tuple[str, ...]:
    if isinstance(metrics, (str, bytes)) or not isinstance(metrics, Iterable):
        raise InvalidInput("the metrics of a scorecard are a list of names", metrics=metrics)
    found = tuple(metrics)
    repeated = [name for place, name in enumerate(found) if name in found[:place] or name in guardrails]
    if repeated or not (found or guardrails):
        rule = "a scorecard has at least one metric or guardrail, each once"
        raise InvalidInput(rule, metrics=found, guardrails=list(guardrails), repeated=repeated)
    return found


def _rails(guardrails: Any) -> dict[str, tuple[float, bool]]:
    """Of each guardrail its margin, and whether an increase is good: ``{metric: margin}``, or a mapping of both."""
    if not isinstance(guardrails, Mapping):
        raise InvalidInput("guardrails are a mapping of metrics to margins", guardrails=guardrails)
    found = {}
    for metric, rule in guardrails.items():
        given = rule if isinstance(rule, Mapping) else {"margin": rule}
        if not {"margin"} <= set(given) <= {"margin", "increase_is_good"}:
            raise InvalidInput("a guardrail has a margin, and perhaps increase_is_good", metric=metric, given=rule)
        good = given.get("increase_is_good", True)
        if not isinstance(good, bool):
            raise InvalidInput("increase_is_good is True or False", metric=metric, increase_is_good=good)
        found[metric] = (check_positive("margin", given["margin"]), good)
    return found


def _guards(
    analyses: Sequence[Analysis], rails: Mapping[str, tuple[float, bool]], alpha: float, power: float, success: bool
) -> Iterable[GuardrailTest]:
    shape: dict[str, Any] = {"power": power, "guardrails": len(rails), "success": success}
    for one in analyses:
        margin, good = rails[one.metric]
        for effect in one.effects:
            value, se = effect.absolute.estimate, effect.absolute.standard_error
            test = None
            if value is not None and se:
                test = guardrail(value, se, margin, alpha, increase_is_good=good, **shape)
            yield GuardrailTest(one.metric, effect.arm, margin, good, test, test is not None and test.passes)


def _ships(
    main: Sequence[Analysis],
    tests: Adjustments,
    guards: Sequence[GuardrailTest],
    alpha: float,
    running: Collection[str],
) -> tuple[str, ...]:
    arms = [effect.arm for effect in main[0].effects] if main else []
    return tuple(
        arm
        for arm in arms
        if arm in running
        and all(guard.passes for guard in guards if guard.arm == arm)
        and any((tests[f"{one.metric} {arm}"].holm or 1.0) <= alpha for one in main)
    )


def _sequential(
    reader: Reader, definition: ExperimentDefinition, looks: Iterable[Any] | None
) -> tuple[SequentialRatio | None, tuple[str, ...]]:
    """The sequential sample ratio test, or why there is none."""
    versions = bucket_versions(reader, definition)
    first, last = versions[0][0], reader.as_of_offset
    if sum(weight > 0.0 for weight in definition.arms.values()) < 2:  # ints
        return None, (ONE_ARM,)
    if changed_weights(versions):
        return None, (f"no sequential sample ratio test: {CHANGED.partition(':')[0]}",)
    usual = [first + (last - first) * step // LOOKS for step in range(1, LOOKS + 1)]
    offsets = check_looks(reader, usual if looks is None else looks, first)
    arms, met = definition.arms, reader.state.experiments.met
    counts = [tuple(met(definition.name, offset).get(arm, 0) for arm in arms) for offset in offsets]
    if not any(map(any, counts)):
        return None, (NOBODY,)
    return sequential_ratio(counts, arms.values()), ()


def _warnings(first: Analysis, ratios: SequentialRatio | None) -> tuple[str, ...]:
    found = list(first.warnings)
    if ratios is not None and ratios.alarm:
        found.append(f"sequential sample ratio mismatch: p {ratios.p:.2g} is below {ratios.alpha:g}")
    return tuple(found)
