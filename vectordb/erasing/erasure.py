"""What an erasure takes, and what was made of it: the report before and after."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

SHOWN = 1_000  # ids of a kind that a report names; the counts are always whole


@dataclass(frozen=True)
class BlastRadius:
    """What erasing entities of a view destroys, and what was made of it and stays.

    Destroyed: ``versions`` of the view, ``vectors`` among their values, recorded ``predictions`` of them, and what they
    were as units of ``experiments``. What stays, but can no longer be made again from the log: ``derived`` versions of
    others, ``pipelines`` fitted on them, ``training_sets``, and predictions of others that came through these
    (``served``). Elsewhere: other ``views`` of the same kind of entity that know it, and live ``forks`` that hold the
    events on their own, as do followers until they refresh, snapshots and checkpoints.
    """

    view: str
    entities: int
    versions: tuple[str, ...]
    vectors: int
    predictions: tuple[str, ...]
    experiments: dict[str, int]
    derived: tuple[str, ...] = ()
    pipelines: tuple[str, ...] = ()
    training_sets: tuple[str, ...] = ()
    served: tuple[str, ...] = ()
    views: tuple[str, ...] = ()
    forks: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether the log knows nothing of the entities in this view."""
        return not (self.versions or self.predictions or self.experiments)

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


@dataclass(frozen=True)
class Erasure(BlastRadius):
    """What an erasure did. ``offset`` is the event that says so, ``lines`` how many earlier ones it rewrote.

    It names the erased ids: whoever keeps it keeps them.
    """

    offset: int = 0
    lines: int = 0
    reason: str = ""
