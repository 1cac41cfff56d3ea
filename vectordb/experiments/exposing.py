"""Recording exposures: what is new of some assignments, in one event; and arms that a caller tells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from ledger import Entity, ExperimentDefinition, Exposure, ExposuresRecorded, InvalidInput, Meta
from vectordb.experiments.assignment import FORCED, GIVEN, RECORDED, Assignment
from vectordb.experiments.exposed import recorded

if TYPE_CHECKING:
    from vectordb.database import VectorDB
    from vectordb.experiments.experiment import Experiment


def given_arms(definition: ExperimentDefinition, units: Sequence[Entity], arms: Any) -> list[Assignment]:
    """Units assigned to the arms that a caller tells, checked; one with an override stays forced. 1 us a unit."""
    if isinstance(arms, (str, bytes, Mapping)) or not isinstance(arms, Iterable):
        raise InvalidInput("arms are a sequence of names, one a unit", arms=arms)
    told, forced = list(arms), dict(definition.forced)
    if len(told) != len(units):
        raise InvalidInput("there is one arm for each unit", units=len(units), arms=len(told))
    first: dict[Entity, str] = {}
    found = []
    for place, (unit, arm) in enumerate(zip(units, told)):
        known = str(arm) if isinstance(arm, str) else ""
        weight = definition.arms.get(known)
        if not weight or first.setdefault(unit, known) != known:
            _refuse(definition, place, unit, arm, weight)
        says = (FORCED, 1.0) if unit in forced else (GIVEN, weight)
        bucket, version = definition.bucket_version, definition.version
        found.append(Assignment(definition.label, unit, known, *says, bucket, version))
    return found


def _refuse(definition: ExperimentDefinition, place: int, unit: Entity, arm: Any, weight: float | None) -> NoReturn:
    given = {"experiment": definition.label, "row": place, "unit": unit, "arm": arm}
    if weight is None:
        raise InvalidInput("the experiment has no such arm", **given, known=list(definition.arms))
    if not weight:
        rule = "an arm that is given has a weight above 0: the share with which units came to it"
        raise InvalidInput(rule, **given, arms=dict(definition.arms))
    raise InvalidInput("a unit is given one arm in a call; another one takes a second call", **given)


def drawn_again(experiment: Experiment, exposures: Sequence[Exposure]) -> list[Assignment]:
    """What an experiment answers now for the units of recorded exposures; arms that were given stay as they were."""
    definition = experiment.definition
    label, bucket, version = definition.label, definition.bucket_version, definition.version
    return [
        Assignment(label, one.unit, one.arm, GIVEN, one.propensity, bucket, version) if one.reason == GIVEN else now
        for one, now in zip(exposures, experiment.assign_many([one.unit for one in exposures]))
    ]


def record_exposures(
    db: VectorDB, found: Sequence[Assignment], event_time: int | None, meta: Meta | None
) -> list[Assignment]:
    """The assignments as they stand in the log, those recorded that were not yet. The caller holds the lock.

    All are of one version of one experiment.
    """
    new: dict[Entity, Assignment] = {}
    answers: list[Assignment] = []
    for one in found:
        known = recorded(db.state, one) if one.reason in RECORDED and one.arm is not None else one
        if known is None:
            new.setdefault(one.unit, one)
        answers.append(known or one)
    if new:
        label = found[0].experiment
        rows = tuple(Exposure(one.unit, one.arm or "", one.reason, one.propensity) for one in new.values())

        def exposed(offset: int, time: int) -> ExposuresRecorded:
            return ExposuresRecorded(label, rows, time if event_time is None else event_time)

        db.writer.commit(exposed, meta)
    return answers
