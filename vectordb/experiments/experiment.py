"""An experiment as a caller reads it: the same class now and in the past."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ledger import Entity, ExperimentDefinition
from vectordb.batches.entity_ids import check_ids
from vectordb.experiments.answering import assigner_of, quick_assign, seen_by, watched
from vectordb.experiments.assignment import Assignment
from vectordb.experiments.dry_run import DryRun, dry_run
from vectordb.experiments.exposed import Exposed, all_exposures
from vectordb.experiments.questions import Questions
from vectordb.experiments.selecting import select

if TYPE_CHECKING:
    from vectordb.reader import Reader
    from vectordb.views.view import View


class Experiment(Questions):
    """A named, versioned split of units into arms, read through a database or one of its pasts.

    Obtained from ``db.experiment(name)`` or ``db.as_of(n).experiment(name)``. A live one follows every change; one of
    the past keeps the definition, the features and the exposures of its time.

    >>> from vectordb import VectorDB
    >>> db = VectorDB()
    >>> ranking = db.create_experiment("ranking", arms={"control": 0.5, "treatment": 0.5}, unit="user")
    >>> ranking.assign("u-1").arm, ranking.assign("u-1").reason
    ('treatment', 'split')
    >>> db.as_of(1).experiment("ranking").assign("u-1") == ranking.assign("u-1")
    True
    """

    def __init__(self, reader: Reader, name: str) -> None:
        self._reader = reader
        self.name = name
        self._quick: Callable[[Entity], Assignment | None] = _never
        self.definition  # noqa: B018 - an unknown name is refused here, not at the first read

    @property
    def definition(self) -> ExperimentDefinition:
        """The definition that reads use."""
        return self._reader.consistently(self._definition)

    def _definition(self) -> ExperimentDefinition:
        return self._reader.state.catalog.experiments.get(self.name, self._reader.as_of_offset)

    @property
    def version(self) -> int:
        """The version of that definition."""
        return self.definition.version

    @property
    def arms(self) -> dict[str, float]:
        """The weight of every arm; the first is the control."""
        return dict(self.definition.arms)

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self.definition.running

    def __repr__(self) -> str:
        definition = self.definition
        shown = f"arms={dict(definition.arms)}, traffic={definition.traffic}, running={definition.running}"
        return f"{type(self).__name__}({definition.label}, {shown})"

    # -- assignment ----------------------------------------------------------------------------------------

    def assign(self, unit: Entity) -> Assignment:
        """The arm of a unit, or none, and why; writes nothing.

        The same unit gets the same answer for as long as the definition is the same (targeting and ``sticky`` look at
        the store too). 1.2 us; with a layer, a holdout or ``sticky`` 5 us, with targeting 12. Raises ``InvalidEntity``.
        """
        found = self._quick(unit)
        return self._reader.consistently(self._assign, unit) if found is None else found

    def assign_many(self, units: Iterable[Entity]) -> list[Assignment]:
        """The same for many units, in their order, all at one offset and clock. 0.9 us a unit."""
        return self._reader.consistently(self._assign_many, check_ids(units, "assign_many"))

    def _assign(self, unit: Entity) -> Assignment:
        watch = watched(self._reader.state)  # before the definition is read: a later one is then seen
        definition = self._definition()
        assigner = assigner_of(self._reader, definition)
        self._quick = _never if assigner.plain is None else quick_assign(self._reader.state, watch, assigner.plain)
        return assigner.assign(unit, seen_by(self._reader, definition))

    def _assign_many(self, units: list[Entity]) -> list[Assignment]:
        definition = self._definition()
        return assigner_of(self._reader, definition).assign_many(units, seen_by(self._reader, definition))

    def select(
        self, view: str | View, *, arm: str | None = None, where: Mapping[str, Any] | None = None
    ) -> list[Entity]:
        """The entities of a view whose unit gets an arm (None: any), in the view's order: a consistent random sample.

        ``where`` keeps those whose features match, as in ``View.search``. All at one offset and clock.
        """
        return select(self._pinned(), view if isinstance(view, str) else view.name, arm, where)

    def dry_run(self, among: str | Iterable[Entity] | None = None, **changes: Any) -> DryRun:
        """Who would move, if some fields of the definition changed; nothing is written.

        Among the units that were exposed (None), the entities of a view, or units given. ``changes`` are those of
        ``create_experiment``, and ``bucket_version``, ``running``, ``final``; what could not be written is refused
        (``DefinitionError``).
        """
        return dry_run(self._pinned(), among, changes)

    def _pinned(self) -> Experiment:
        reader = self._reader
        offset = reader.consistently(lambda: reader.as_of_offset)  # not an event that is still being folded
        return Experiment(reader.pinned(offset, reader.clock()), self.name)

    # -- what was recorded ---------------------------------------------------------------------------------

    def exposures(self) -> list[Exposed]:
        """Every recorded exposure, forced ones and those of every bucket version too, in order.

        Read from the log: 1 us an event since the experiment was defined.
        """
        return all_exposures(self._pinned()._reader, self.name)

    def history(self) -> list[tuple[int, ExperimentDefinition]]:
        """Every version of the definition, each with the offset that defined it."""
        offset = self._reader.as_of_offset
        return self._reader.consistently(self._reader.state.catalog.experiments.versions, self.name, offset)


def _never(unit: Entity) -> None:
    return None
