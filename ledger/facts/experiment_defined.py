"""An experiment was defined: arms, who is in it, how it is measured; and every later change of any of these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from math import fsum, isfinite
from types import MappingProxyType
from typing import Any, Final

from ledger.errors import DefinitionError
from ledger.facts.fact import Fact, Reading, take
from ledger.facts.plain_json import check_plain, check_plain_text
from ledger.facts.view_defined import check_labels, take_labels, take_version, with_labels
from ledger.identity import Entity, check_entity, check_name, entity_from_json, entity_to_json
from ledger.times import MAX_MICROS

AGGREGATES: Final = ("any", "sum", "mean", "count", "last", "max")
SEGMENTS: Final = 10_000
MAX_ARMS: Final = 1_000
CLOSE: Final = 1e-9


@dataclass(frozen=True)
class Metric:
    """How outcomes of a unit become its one value, and for how long after its exposure they count.

    ``aggregate``, over the outcomes that count: ``any`` is 1 where one of them is other than 0, else 0 (converted);
    ``sum`` and ``count`` add them up and count them. A unit without outcomes is 0 in these three. ``mean``, ``max`` and
    ``last`` (by event time, then the one recorded last) are not over such a unit: it is not in ``n``.

    ``window_micros`` is in microseconds, None for ever; ``create_experiment`` takes a mapping with a ``window`` in
    seconds or as a ``timedelta`` too. ``covariate`` names a feature (``view:feature``) read just before the exposure
    (CUPED). ``over`` names another metric that this one is divided by (a ratio of means).

    >>> Metric("any", window_micros=7 * 86_400_000_000).to_json()
    {'aggregate': 'any', 'window': 604800000000}
    """

    aggregate: str = "sum"
    _: KW_ONLY
    window_micros: int | None = None
    covariate: str = ""
    over: str = ""

    def __post_init__(self) -> None:
        if self.aggregate not in AGGREGATES:
            rule = "an outcome is aggregated by one of these"
            raise DefinitionError(rule, aggregate=self.aggregate, known=AGGREGATES)
        window = self.window_micros
        if window is not None and (type(window) is not int or not 0 < window <= MAX_MICROS):
            rule = "an attribution window is longer than nothing, and within range"
            raise DefinitionError(rule, window=window)
        if not isinstance(self.covariate, str) or not isinstance(self.over, str):
            raise DefinitionError("covariate and over are text", covariate=self.covariate, over=self.over)
        if self.covariate:
            view, colon, feature = check_plain_text(self.covariate, "a covariate").partition(":")
            if not colon:
                raise DefinitionError("a covariate reads view:feature", covariate=self.covariate)
            check_name(view, "view"), check_name(feature, "feature")

    def to_json(self) -> dict[str, Any]:
        """What is set."""
        data: dict[str, Any] = {"aggregate": self.aggregate}
        if self.window_micros is not None:
            data["window"] = self.window_micros
        texts = {"covariate": self.covariate, "over": self.over}
        return data | {name: text for name, text in texts.items() if text}


@dataclass(frozen=True)
class ExperimentDefinition:
    """One version of an experiment; a ramp, other weights, an override, a stop are versions too.

    ``arms`` has the weight of each arm, which sum to 1; the first is the control. ``traffic`` is the share of units
    that is in. ``layer`` and ``share``: of a mutually exclusive layer, the share of its segments. ``holdout`` and
    ``holdout_share``: units that are in no experiment which names that holdout. ``forced``: units with an arm of their
    own, never counted. ``view`` and ``where``: whom it targets. ``sticky``: a unit keeps the arm of its first exposure
    until ``bucket_version`` is raised. Stopped, it answers ``final`` (an arm, or none).
    """

    name: str
    version: int
    unit: str
    arms: Mapping[str, float]
    traffic: float = 1.0
    salt: str = ""
    layer: str = ""
    share: float = 0.0
    holdout: str = ""
    holdout_share: float = 0.0
    forced: tuple[tuple[Entity, str], ...] = ()
    view: str = ""
    where: Any = None
    sticky: bool = False
    bucket_version: int = 1
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    running: bool = True
    final: str = ""
    reason: str = ""
    owner: str = ""
    tags: tuple[str, ...] = ()
    description: str = ""

    def __post_init__(self) -> None:
        # Read-only: a definition is handed out as it stands in the catalog.
        object.__setattr__(self, "arms", MappingProxyType(dict(self.arms)))
        object.__setattr__(self, "metrics", MappingProxyType(dict(self.metrics)))
        check_name(self.name, "experiment")
        check_name(self.unit, "unit")
        check_labels(self.owner, self.description, self.tags)
        _check_arms(self)
        _check_share("traffic", self.traffic)
        _check_share("share", self.share)
        _check_share("holdout_share", self.holdout_share)
        _check_layer(self)
        for unit, arm in self.forced:
            check_entity(unit)
            _check_arm(self, arm)
        if self.final:
            _check_arm(self, self.final)
        if self.running and self.final:
            raise DefinitionError("an experiment that runs has no final arm", experiment=self.name, final=self.final)
        if type(self.bucket_version) is not int or self.bucket_version < 1:
            raise DefinitionError("bucket versions count from 1", bucket_version=self.bucket_version)
        if (self.where is not None) is not bool(self.view):
            raise DefinitionError("targeting is a where over a view", view=self.view, where=self.where)
        for name, metric in self.metrics.items():
            check_name(name, "metric")
            if metric.over and metric.over not in self.metrics:
                raise DefinitionError("a ratio is over another metric", metric=name, over=metric.over)

    @property
    def label(self) -> str:
        """``name@version``."""
        return f"{self.name}@{self.version}"

    @property
    def control(self) -> str:
        """The arm that others are compared with: the first."""
        return next(iter(self.arms))

    def same_as(self, other: ExperimentDefinition) -> bool:
        """Whether both say the same, versions aside (arms in the same order: it decides who is where)."""
        same = self.to_json() | {"version": 0} == other.to_json() | {"version": 0}
        return same and list(self.arms) == list(other.arms)

    def to_json(self) -> dict[str, Any]:
        """The definition as plain data; what is not set is left out."""
        data: dict[str, Any] = {"name": self.name, "version": self.version, "unit": self.unit}
        data["arms"] = [[arm, float(weight)] for arm, weight in self.arms.items()]
        data["traffic"] = float(self.traffic)
        for name, default in _PLAIN_FIELDS.items():
            if getattr(self, name) != default:
                data[name] = getattr(self, name)
        if self.forced:
            data["forced"] = [[entity_to_json(unit), arm] for unit, arm in self.forced]
        if self.metrics:
            data["metrics"] = [[name, metric.to_json()] for name, metric in self.metrics.items()]
        return with_labels(data, self)


_PLAIN_FIELDS: Final[dict[str, Any]] = {
    "salt": "", "layer": "", "share": 0.0, "holdout": "", "holdout_share": 0.0, "view": "", "where": None,
    "sticky": False, "bucket_version": 1, "running": True, "final": "", "reason": "",
}  # fmt: skip


def _check_arms(definition: ExperimentDefinition) -> None:
    weights = list(definition.arms.values())
    if not 1 <= len(weights) <= MAX_ARMS:
        rule = f"an experiment has 1 to {MAX_ARMS} arms"
        raise DefinitionError(rule, experiment=definition.name, arms=len(weights))
    for arm, weight in definition.arms.items():
        check_name(arm, "arm")
        if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not isfinite(weight) or weight < 0:
            rule = "a weight is a number from 0 to 1"
            raise DefinitionError(rule, experiment=definition.name, arm=arm, weight=weight)
    if abs(fsum(weights) - 1.0) > CLOSE:
        rule = "the weights of the arms sum to 1"
        raise DefinitionError(rule, experiment=definition.name, arms=dict(definition.arms), sum=fsum(weights))


def _check_arm(definition: ExperimentDefinition, arm: str) -> None:
    if arm not in definition.arms:
        known = list(definition.arms)
        raise DefinitionError("the experiment has no such arm", experiment=definition.name, arm=arm, known=known)


def _check_share(name: str, share: Any) -> None:
    if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1:
        raise DefinitionError(f"{name} is a number from 0 to 1", **{name: share})


def _check_layer(definition: ExperimentDefinition) -> None:
    for name, share in (("layer", "share"), ("holdout", "holdout_share")):
        text, part = getattr(definition, name), getattr(definition, share)
        if text:
            check_name(text, name)
        if bool(text) is not bool(part):
            raise DefinitionError(f"a {name} comes with its {share}, above 0", **{name: text, share: part})
    segments = definition.share * SEGMENTS
    if definition.layer and (abs(segments - round(segments)) > 1e-6 or round(segments) < 1):
        raise DefinitionError(f"a share of a layer is whole segments of 1/{SEGMENTS}", share=definition.share)


class ExperimentDefined(Fact):
    """An experiment was defined, or changed with the next version.

    {"definition":{"name":"ranking","version":1,"unit":"user","arms":[["control",0.5],["treatment",0.5]],"traffic":0.2}}
    """

    __slots__ = ("definition",)
    type = "experiment_defined"

    def __init__(self, definition: ExperimentDefinition) -> None:
        self.definition = definition

    def to_json(self, time: int) -> dict[str, Any]:
        """See the class."""
        return {"definition": self.definition.to_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any], reading: Reading) -> ExperimentDefined:
        """See the class."""
        return cls(experiment_from_json(take(data, "definition", dict)))


def experiment_from_json(data: dict[str, Any]) -> ExperimentDefinition:
    """A definition from its stored form."""
    body = dict(data)
    fields: dict[str, Any] = {
        "name": take(body, "name", str),
        "version": take_version(body),
        "unit": take(body, "unit", str),
        "arms": dict(_pairs(take(body, "arms", list), str, float)),
        "traffic": take(body, "traffic", float),
    }
    for name, default in _PLAIN_FIELDS.items():
        if name in body:
            fields[name] = check_plain(body.pop(name), name) if name == "where" else take(body, name, type(default))
            if fields[name] == default:
                raise DefinitionError("what is not set is left out", field=name, value=default)
            if isinstance(fields[name], str):
                check_plain_text(fields[name], name)
    if "forced" in body:
        pairs = _pairs(take(body, "forced", list), None, str)
        fields["forced"] = tuple((entity_from_json(unit), arm) for unit, arm in pairs)
    if "metrics" in body:
        pairs = _pairs(take(body, "metrics", list), str, dict)
        fields["metrics"] = {name: _metric(plain) for name, plain in pairs}
    return ExperimentDefinition(**fields, **take_labels(body))


def _pairs(items: list[Any], first: type | None, second: type) -> list[tuple[Any, Any]]:
    """Pairs of these types, the first of each different; at least one."""
    for item in items:
        if type(item) is not list or len(item) != 2 or type(item[1]) is not second:
            raise DefinitionError("a stored pair has its two types", value=item)
        if first is not None and type(item[0]) is not first:
            raise DefinitionError("a stored pair has its two types", value=item)
    if not items or len({repr(item[0]) for item in items}) < len(items):
        raise DefinitionError("stored pairs differ, and there is at least one", value=items[:10])
    return [(item[0], item[1]) for item in items]


def _metric(plain: dict[str, Any]) -> Metric:
    body = dict(plain)
    found = Metric(
        aggregate=take(body, "aggregate", str),
        window_micros=take(body, "window", int) if "window" in body else None,
        covariate=take(body, "covariate", str) if "covariate" in body else "",
        over=take(body, "over", str) if "over" in body else "",
    )
    if body or plain.get("covariate") == "" or plain.get("over") == "":
        raise DefinitionError("a stored metric has only known fields, and what is not set is left out", metric=plain)
    return found
