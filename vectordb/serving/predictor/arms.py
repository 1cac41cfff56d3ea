"""Arms: which model answers for which arm of an experiment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ledger import InvalidInput
from vectordb.experiments import Assignment, Experiment
from vectordb.reader import Reader
from vectordb.serving.predictor.served_model import ModelLike, ServedModel, make_model


class Group(NamedTuple):
    """A model, and the places of the rows that it is asked for."""

    model: ServedModel
    places: Sequence[int]


class Arms:
    """One model for all, or one for every arm of an experiment; units without an arm get that of the first arm.

    An arm that was added since has no model, and is refused: served by another one, it would spoil the experiment.
    """

    def __init__(self, models: dict[str, ServedModel]) -> None:
        """``models`` by arm; one that serves all stands under the empty name."""
        self._models = models
        self.default = next(iter(models.values()))
        self.single = "" in models

    def of(self, assignment: Assignment | None) -> ServedModel:
        """The model for a unit."""
        if self.single or assignment is None or assignment.arm is None:
            return self.default
        model = self._models.get(assignment.arm)
        if model is None:
            given = {"experiment": assignment.experiment, "arm": assignment.arm, "known": list(self._models)}
            raise InvalidInput("a predictor has a model for every arm: one was added since it was made", **given)
        return model

    def groups(self, assignments: Sequence[Assignment | None]) -> list[Group]:
        """Who is asked for which rows, in the order of the arms."""
        if self.single:
            return [Group(self.default, range(len(assignments)))]
        places: dict[str, list[int]] = {}
        for place, assignment in enumerate(assignments):
            places.setdefault(self.of(assignment).label, []).append(place)
        return [Group(model, places[model.label]) for model in self.distinct() if model.label in places]

    def distinct(self) -> list[ServedModel]:
        """The models, each once; a label belongs to one."""
        return list({model.label: model for model in self._models.values()}.values())


def make_arms(
    reader: Reader,
    experiment: Experiment | None,
    model: ModelLike | Mapping[str, ModelLike],
    label: str | None,
    batched: bool,
) -> Arms:
    """Of one model, or of a mapping that names every arm of the experiment."""
    if not isinstance(model, Mapping):
        return Arms({"": make_model(reader, model, label, batched)})
    arms = {} if experiment is None else experiment.arms
    if not arms or set(model) != set(arms):
        raise InvalidInput("models by arm name every arm of the experiment", arms=list(arms), given=list(model))
    named = {arm: None if label is None else f"{label}-{arm}" for arm in arms}
    return Arms(_apart({arm: make_model(reader, model[arm], named[arm], batched) for arm in arms}))


def _apart(models: dict[str, ServedModel]) -> dict[str, ServedModel]:
    """The same, callables of one name (two lambdas) told apart by their arms."""
    asks: dict[str, set[int]] = {}
    for model in models.values():
        asks.setdefault(model.label, set()).add(id(model.ask))
    return {
        arm: model if model.stored or len(asks[model.label]) == 1 else model._replace(label=f"{model.label}-{arm}")
        for arm, model in models.items()
    }
