"""The projection contract: a fold of events into a view of the state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from ledger import Entity, Event, EventPruned, Fact, Log, PlainRows, written_as

if TYPE_CHECKING:
    from projections.catalog import Catalog

Handler = Callable[[Event], None]


class Gone(NamedTuple):
    """What was taken out of the log: of ``view`` the rows of ``entities``, and predictions, by reference.

    ``events`` are those that were touched, as they are now. A compaction names no entities and every event.
    """

    events: Sequence[Event]
    view: str = ""
    entities: frozenset[Entity] = frozenset()
    rows: Sequence[int] = ()
    predictions: frozenset[int] = frozenset()


class Projection:
    """What a part of the log means. Subclass it for your own: ``VectorDB(projections=[Mine()])``.

    A projection uses only the event, its own state, the catalog, and rows of the log by reference. It
    must give the same state for the same events, whenever they are folded: live, at a cold start, in a
    rebuild or in a fork. When it raises, the event stands and the projection is rebuilt before its next
    answer, so ``apply`` need not be atomic.

    >>> class Counter(Projection):
    ...     name, version, handles = "counter", 1, (Fact,)
    ...     def reset(self): self.events = 0
    ...     def apply(self, event): self.events += 1
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1  # raise it when the meaning of ``dump`` changes: older checkpoints are then ignored
    essential: ClassVar[bool] = False  # built in: while it is behind, no read is answered without a rebuild
    handles: ClassVar[tuple[type[Fact], ...]] = ()  # fact types, subclasses included; (Fact,) is every event

    apply_rows: Callable[[PlainRows], None] | None = None  # folds many single rows at once, as one by one

    log: Log
    catalog: Catalog

    def bind(self, log: Log, catalog: Catalog) -> None:
        """Called once by the database, before the first event; starts from the empty state."""
        self.log = log
        self.catalog = catalog
        self.reset()

    def reset(self) -> None:
        """Go back to the empty state, that of offset 0."""
        raise NotImplementedError

    def apply(self, event: Event) -> None:
        """Fold one event of a handled type. Offsets arrive in order, each once."""
        raise NotImplementedError

    def handlers(self) -> dict[type[Fact], Handler]:
        """Handled fact types and what folds each; by default ``apply`` folds them all."""
        return dict.fromkeys(self.handles, self.apply)

    def forget(self, gone: Gone) -> bool:
        """Drop what was taken out of the log, which no longer has it; nobody reads meanwhile. False: fold it all anew.

        By default that is so where an event of a handled type was touched, or a whole event is gone. What is left of
        a write of any shape is folded as a ``TransactionCommitted``.
        """
        handled = (*self.handles, EventPruned)
        facts = [event.fact for event in gone.events]
        return not any(isinstance(fact, handled) or issubclass(written_as(fact), handled) for fact in facts)

    def dump(self) -> bytes:
        """The state as bytes, for a checkpoint. Never code, never pickle."""
        raise NotImplementedError

    def load(self, state: bytes) -> None:
        """Take the state of a dump of the same ``version``, at the same offset of the same log."""
        raise NotImplementedError

    def check(self) -> None:
        """Assert every invariant of the state; costs a pass over it."""

    def counts(self) -> dict[str, int]:
        """A few sizes for a report."""
        return {}
