"""An assignment: which arm a unit gets, and why."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from ledger import Entity, entity_to_json

STOPPED: Final = "stopped"
FORCED: Final = "forced"
HOLDOUT: Final = "holdout"
LAYER: Final = "layer"
TARGETING: Final = "targeting"
STICKY: Final = "sticky"
TRAFFIC: Final = "traffic"
SPLIT: Final = "split"
GIVEN: Final = "given"
REASONS: Final = (STOPPED, FORCED, HOLDOUT, LAYER, TARGETING, STICKY, TRAFFIC, SPLIT, GIVEN)
COUNTED: Final = frozenset({STICKY, SPLIT, GIVEN})
RECORDED: Final = COUNTED | {FORCED}


class Assignment(NamedTuple):
    """The answer of one version of an experiment for one unit. Nothing is written by it.

    ``reason`` is what decided, the first of these that did: ``stopped`` (its final arm, or none), ``forced``,
    ``holdout``, ``layer`` (the unit's segment is not the experiment's), ``targeting``, ``sticky`` (the arm of the
    unit's first exposure), ``traffic`` (not in), ``split``; ``given`` is an arm that was told to ``expose``.
    ``propensity`` is the probability with which the arm was chosen among units that are in: 1.0 where nothing was
    drawn, 0.0 without an arm; of a ``given`` arm it is the arm's weight, as it was drawn elsewhere.

    >>> one = Assignment("ranking@2", "u-1", "treatment", "split", 0.5, 1, 2)
    >>> one.name, one.counted, one.to_dict()["arm"]
    ('ranking', True, 'treatment')
    """

    experiment: str
    unit: Entity
    arm: str | None
    reason: str
    propensity: float
    bucket_version: int
    version: int

    @property
    def name(self) -> str:
        """The experiment's name, without its version."""
        return self.experiment.partition("@")[0]

    @property
    def counted(self) -> bool:
        """Whether the unit takes part in the analysis: an arm that was drawn, or given; not one forced or shipped."""
        return self.arm is not None and self.reason in COUNTED

    def to_dict(self) -> dict[str, Any]:
        """As plain data, for a log, or for the record of a prediction."""
        return {**self._asdict(), "unit": entity_to_json(self.unit)}
