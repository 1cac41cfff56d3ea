"""Defining experiments: a caller's arguments as the fields of a definition, and whether it fits what is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, Final

from ledger import (
    Bool,
    DefinitionError,
    Entity,
    ExperimentDefinition,
    Float,
    Int,
    Metric,
    check_entity,
    check_plain,
    duration_micros,
)
from vectordb.experiments.layers import layers_of
from vectordb.experiments.targeting import parse_for, plain_where

if TYPE_CHECKING:
    from vectordb.reader import Reader

METRIC_FIELDS: Final = frozenset({"aggregate", "window", "covariate", "over"})
ONCE: Final = frozenset({"version"})


def parse_arms(arms: Any) -> dict[str, float]:
    """Weights by arm, as given; the definition checks that they sum to 1."""
    if not isinstance(arms, Mapping):
        raise DefinitionError("arms are a mapping of names to weights", arms=arms)
    return {arm: _number(weight) for arm, weight in arms.items()}


def parse_forced(forced: Any) -> tuple[tuple[Entity, str], ...]:
    """Pairs of unit and arm, in one order whatever the order given."""
    if not isinstance(forced, Mapping):
        raise DefinitionError("forced is a mapping of units to arms", forced=forced)
    pairs = {check_entity(unit): arm for unit, arm in forced.items()}
    return tuple(sorted(pairs.items(), key=repr))


def parse_metrics(metrics: Any) -> dict[str, Metric]:
    """Metrics by name: each a ``Metric``, an aggregate, or a mapping, its ``window`` seconds or a ``timedelta``."""
    if not isinstance(metrics, Mapping):
        raise DefinitionError("metrics are a mapping of names to metrics", metrics=metrics)
    return {name: _metric(name, metric) for name, metric in metrics.items()}


def _metric(name: str, metric: Any) -> Metric:
    if isinstance(metric, Metric):
        return metric
    if isinstance(metric, str):
        return Metric(metric)
    if not isinstance(metric, Mapping):
        raise DefinitionError("a metric is a Metric, an aggregate, or a mapping", metric=name, value=metric)
    unknown = sorted(map(str, set(metric) - METRIC_FIELDS))
    if unknown:
        raise DefinitionError("a metric has these fields", metric=name, unknown=unknown, known=sorted(METRIC_FIELDS))
    window = metric.get("window")
    texts = {field: _text(field, metric.get(field) or "") for field in ("covariate", "over")}
    micros = None if window is None else duration_micros(window)
    return Metric(metric.get("aggregate", "sum"), window_micros=micros, **texts)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise DefinitionError(f"{name} is text", **{name: value})
    return str(check_plain(value, name))


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise DefinitionError(f"{name} is True or False", **{name: value})
    return value


def _tags(tags: Any) -> tuple[str, ...]:
    return (tags,) if isinstance(tags, str) else tuple(tags)


def _number(value: Any) -> Any:
    """A number as a float; what is none is left for the definition to refuse."""
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _where(where: Any) -> Any:
    return None if where is None else plain_where(where)


PARSE: Final[dict[str, Callable[[Any], Any]]] = {
    "arms": parse_arms,
    "forced": parse_forced,
    "metrics": parse_metrics,
    "where": _where,
    "tags": _tags,
    **dict.fromkeys(("traffic", "share", "holdout_share"), _number),
}


def parse_fields(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a definition from a caller's arguments."""
    known = {field.name for field in fields(ExperimentDefinition)} - ONCE
    unknown = sorted(set(arguments) - known)
    if unknown:
        raise DefinitionError("an experiment has these fields", unknown=unknown, known=sorted(known))
    for name in ("salt", "layer", "holdout", "view", "final", "reason"):
        _text(name, arguments.get(name, ""))
    for name in ("sticky", "running"):
        _flag(name, arguments.get(name, True))
    return {name: PARSE[name](value) if name in PARSE else value for name, value in arguments.items()}


def changed(definition: ExperimentDefinition, arguments: Mapping[str, Any]) -> ExperimentDefinition:
    """The next version of a definition with some fields changed; itself where that says the same."""
    kept = sorted({"name", "unit"} & set(arguments))
    if kept:
        raise DefinitionError("an experiment keeps its name and its unit", experiment=definition.name, given=kept)
    given = {"reason": "", **parse_fields(arguments)}
    following = replace(definition, version=definition.version + 1, **given)
    same = replace(following, reason=definition.reason).same_as(definition)
    return definition if same else following


def check_fits(reader: Reader, definition: ExperimentDefinition) -> None:
    """Refuse what does not fit the views, holdouts and layers of a reader; to be called through ``consistently``."""
    if definition.view:
        plan = reader.plan(definition.view)
        _check_kind(definition, definition.view, plan.definition.entity)
        parse_for(plan, definition.where)
    for name, metric in definition.metrics.items():
        if metric.covariate:
            _check_covariate(reader, definition, name, metric.covariate)
    offset = reader.as_of_offset
    _check_holdout(definition, reader.state.catalog.experiments.newest(offset))
    layers_of(reader.state).check(definition, offset)


def _check_kind(definition: ExperimentDefinition, view: str, entity: str) -> None:
    if entity != definition.unit:
        rule = "an experiment reads features of its own kind of unit"
        raise DefinitionError(rule, experiment=definition.name, unit=definition.unit, view=view, entity=entity)


def _check_covariate(reader: Reader, definition: ExperimentDefinition, metric: str, covariate: str) -> None:
    view, colon, feature = covariate.partition(":")
    if not colon:
        raise DefinitionError("a covariate reads view:feature", metric=metric, covariate=covariate)
    plan = reader.plan(view)
    _check_kind(definition, view, plan.definition.entity)
    kind = plan.slot(feature).kind
    if not isinstance(kind, (Int, Float, Bool)):
        raise DefinitionError("a covariate is a number", metric=metric, covariate=covariate, type=kind.name)


def _check_holdout(definition: ExperimentDefinition, others: Iterable[ExperimentDefinition]) -> None:
    """A holdout has one share among the experiments that run."""
    if not definition.holdout or not definition.running:
        return
    for other in others:
        shares = other.running and other.holdout == definition.holdout and other.name != definition.name
        if shares and other.holdout_share != definition.holdout_share:
            rule = "a holdout has one share in all experiments that name it"
            given = {"holdout": definition.holdout, "holdout_share": definition.holdout_share}
            raise DefinitionError(rule, **given, experiment=other.name, there=other.holdout_share)


def unit_of(reader: Reader, unit: str | None, view: str) -> str:
    """The kind of unit: as given, else the view's entity, else ``unit``."""
    if unit is not None:
        return unit
    return reader.consistently(reader.plan, view).definition.entity if view else "unit"
