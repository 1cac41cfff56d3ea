"""An analysis: what an experiment shows of one metric as of one offset, as immutable values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from ledger import UnknownName
from vectordb.experiments.stats.effects import Effect
from vectordb.experiments.stats.result import Result
from vectordb.experiments.stats.srm import SampleRatio
from vectordb.experiments.texts import analysis_text

if TYPE_CHECKING:
    from vectordb.experiments.segments import Segments

T = TypeVar("T", "ArmSummary", "ArmEffect")


@dataclass(frozen=True)
class AlwaysValid(Result):
    """The interval and the p-value that hold however often one looks, at this look alone; see ``effects`` for many."""

    low: float | None
    high: float | None
    p: float
    tuned: int


@dataclass(frozen=True)
class ArmSummary(Result):
    """One arm. ``n`` units are those that the metric is over, of ``exposed`` ones; ``weight`` None: no arm any more.

    ``mean``, ``deviation`` (over n - 1) and ``total`` are of the units' values; of a ratio ``total`` and ``under`` are
    the two sums, ``mean`` their ratio and ``deviation`` that of the linearised ratio.
    """

    arm: str
    weight: float | None
    exposed: int
    n: int
    total: float | None
    mean: float | None
    deviation: float | None
    under: float | None = None


@dataclass(frozen=True)
class ArmEffect(Result):
    """A treatment arm against the control, over ``n`` units of both.

    ``estimate`` and ``control_estimate`` are what the method compares: means, or what it puts in their place.
    ``absolute`` is their difference, ``relative`` the lift by the delta method, ``fieller`` the same with an exact
    interval; their ``undefined`` says why a field is None. ``p`` is that of the method's own test. ``loss_control`` is
    expected to be lost by keeping the control where the arm is higher, ``loss_treatment`` the reverse. With CUPED
    ``theta`` is what the covariate is weighed with, and ``reduction`` the share of the variance that it takes away.
    """

    arm: str
    control: str
    n: int
    estimate: float | None
    control_estimate: float | None
    absolute: Effect
    relative: Effect
    fieller: Effect | None
    statistic: float | None
    p: float | None
    always_valid: AlwaysValid | None
    chance_to_win: float | None
    loss_control: float | None
    loss_treatment: float | None
    theta: float | None = None
    reduction: float | None = None


@dataclass(frozen=True)
class Analysis(Result):
    """One metric as of one offset; ``method`` and ``assumptions`` say how. ``str()`` gives it as a small table.

    ``conflicted`` units were seen in two arms and count in none, ``forced`` ones had an arm set for them, ``excluded``
    ones were left out by the caller. ``outcomes`` of the metric were recorded (see ``uncounted`` for those that count
    for no unit). ``window`` is the attribution in seconds, None for ever. ``covariate`` and ``missing_covariates``
    (units that got the mean) are of CUPED. ``sample_ratio`` is None with fewer than two arms, and before any exposure.

    >>> from vectordb import VectorDB
    >>> db = VectorDB()
    >>> arms = {"control": 0.5, "treatment": 0.5}
    >>> ranking = db.create_experiment("ranking", arms=arms, unit="user", metrics={"clicks": "count"})
    >>> _ = ranking.expose_many(range(100))
    >>> _ = ranking.record_many({"user": range(0, 100, 3), "value": [1.0] * 34}, metric="clicks")
    >>> found = ranking.analyze("clicks")
    >>> found.exposed, found.outcomes, [arm.arm for arm in found.arms], found.effect().absolute.method
    (100, 34, ['control', 'treatment'], 'Welch t of mean')
    >>> print(found)
    ranking@1: clicks (count) as of offset 3, Welch's t
    <BLANKLINE>
    arm        weight  exposed   n    mean  deviation
    control       0.5       49  49  0.3469     0.4809
    treatment     0.5       51  51  0.3333     0.4761
    <BLANKLINE>
    against control  effect        estimate      95 % interval      p
    treatment        absolute      -0.01361  -0.2036 .. 0.1764  0.887
                     always valid            -0.6545 .. 0.6273      1
                     relative, %     -3.922    -57.59 .. 49.74  0.885
    <BLANKLINE>
    100 exposed, 34 outcomes; sample ratio p 0.841
    """

    experiment: str
    metric: str
    as_of: int
    at: datetime
    method: str
    assumptions: tuple[str, ...]
    alpha: float
    arms: tuple[ArmSummary, ...]
    effects: tuple[ArmEffect, ...]
    sample_ratio: SampleRatio | None
    exposed: int
    conflicted: int
    forced: int
    excluded: int
    outcomes: int
    warnings: tuple[str, ...]
    aggregate: str
    over: str = ""
    window: float | None = None
    quantile: float | None = None
    covariate: str = ""
    missing_covariates: int | None = None
    seed: int | None = None
    segments: Segments | None = None

    def __str__(self) -> str:
        return analysis_text(self)

    @property
    def control(self) -> ArmSummary:
        """The arm that others are compared with."""
        return self.arms[0]

    def arm(self, name: str) -> ArmSummary:
        """One arm by name; raises ``UnknownName``."""
        return _named(self.arms, name)

    def effect(self, name: str | None = None) -> ArmEffect:
        """The effect of one treatment arm against the control; without a name the first. Raises ``UnknownName``."""
        if name is not None and name == self.control.arm:
            rule = "this arm is the control: effects are of the other arms against it"
            raise UnknownName(rule, arm=name, known=[one.arm for one in self.effects])
        return self.effects[0] if name is None and self.effects else _named(self.effects, name)


def _named(items: Sequence[T], name: str | None) -> T:
    for item in items:
        if item.arm == name:
            return item
    raise UnknownName("the analysis has no such arm", arm=name, known=[item.arm for item in items])
