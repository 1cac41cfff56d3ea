"""The one replay loop: live writes, cold start, rebuild, recovery, forks and fixtures all run it.

Readers take no lock. ``sequence`` is odd while events are folded and even when the views agree with the
log; a reader compares it before and after, and tries again when it moved. A reader of the past needs
only ``repairs``: what it reads never changes, unless a projection is being rebuilt. Both stay odd while a
projection is behind, so every reader comes to ``heal`` under the lock before it gets an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from ledger import FACTS, Event, EventOmitted, Fact, Log, PlainRows, ProjectionError, RowPut
from projections.catalog import Catalog
from projections.contract import Gone, Handler, Projection


class Fold:
    """Folds events into projections; the catalog of definitions first."""

    def __init__(self, log: Log, projections: Sequence[Projection]) -> None:
        self.log = log
        self.catalog = Catalog()
        self.projections: tuple[Projection, ...] = (self.catalog, *projections)
        self.sequence = 0
        self.repairs = 0
        self.behind: dict[Projection, BaseException | None] = {}
        self._table: dict[type[Fact], tuple[tuple[Projection, Handler], ...]] = {}
        _check_names(self.projections)
        for projection in self.projections:
            projection.bind(log, self.catalog)
        self._arrange()

    def apply(self, event: Event) -> None:
        """Fold one event. A projection that raises is marked behind; the others go on."""
        for projection, handle in self._table[type(event.fact)]:
            try:
                handle(event)
            except Exception as error:  # its own failure must not reach the write, nor the others
                self._mark_behind(projection, error)

    def run(self, events: Iterable[Event]) -> int:
        """Fold many events; how many."""
        count = 0
        for count, event in enumerate(events, 1):  # noqa: B007 - the count is the answer
            self.apply(event)
        return count

    def taker(self) -> Callable[[PlainRows], None] | None:
        """What folds a run of single rows at once; None where somebody wants each event."""
        all_can = all(projection.apply_rows is not None for projection, _ in self._table[RowPut])
        return self._apply_rows if all_can else None

    def _apply_rows(self, run: PlainRows) -> None:
        for projection, _ in self._table[RowPut]:
            try:
                assert projection.apply_rows is not None
                projection.apply_rows(run)
            except Exception as error:  # as in ``apply``
                self._mark_behind(projection, error)

    def adopt(self, projections: Sequence[Projection]) -> None:
        """Take in the user's projections of an earlier fold, rebuilt from this log."""
        self.projections = (*self.projections, *projections)
        _check_names(self.projections)
        for projection in projections:
            projection.bind(self.log, self.catalog)
            self._rebuild(projection)
        self._arrange()

    def all_behind(self, error: BaseException) -> None:
        """An interrupt came between two projections: none can be trusted to have folded the event."""
        for projection in self.projections:
            self._mark_behind(projection, error)

    def heal(self, essential: bool = True) -> None:
        """Rebuild what is behind from the log; raises ``ProjectionError`` when it fails again.

        The caller holds the lock. The built-in ones, or (``essential=False``) the user's. One that fails
        does not keep the others from being rebuilt.
        """
        failed: ProjectionError | None = None
        for projection in self.projections:
            if projection.essential is essential:
                try:
                    self.heal_one(projection)
                except ProjectionError as error:
                    failed = failed or error
        if failed is not None:
            raise failed

    def heal_one(self, projection: Projection) -> None:
        """Rebuild one projection where it is behind. The caller holds the lock."""
        if projection not in self.behind:
            return
        try:
            self._rebuild(projection)
        except Exception as error:
            self.behind[projection] = error
            rule = "a projection folds every event; it is behind until it can"
            raise ProjectionError(rule, projection=projection.name, error=repr(error)) from error
        del self.behind[projection]
        self._arrange()
        self.settle()

    def _rebuild(self, projection: Projection) -> None:
        projection.reset()
        table = {kind: handle for kind in FACTS if (handle := _handler(projection, kind)) is not None}
        for event in self.log.events():
            handle = table.get(type(event.fact))
            if handle is not None:
                handle(event)

    def _mark_behind(self, projection: Projection, error: BaseException | None) -> None:
        self.behind[projection] = error
        if projection.essential:
            self.hold()
        self._arrange()

    def hold(self) -> None:
        """Keep every reader away, those of the past too, until ``settle``."""
        self.sequence |= 1
        self.repairs |= 1

    def forget(self, gone: Gone) -> None:
        """Have every projection drop what was taken out of the log; those that cannot are folded anew."""
        for projection in self.projections:
            if projection not in self.behind:
                try:
                    error, has_forgotten = None, projection.forget(gone)
                except Exception as failure:  # as in ``apply``: it is folded anew
                    error, has_forgotten = failure, False
                if not has_forgotten:
                    self._mark_behind(projection, error)

    def settle(self) -> None:
        """Let readers in again, once nothing is behind that they rest on."""
        if not any(projection.essential for projection in self.behind):
            self.repairs += self.repairs & 1
            self.sequence += self.sequence & 1

    def end(self) -> None:
        """Views and log agree again, unless something essential is behind."""
        if not self.repairs & 1:
            self.sequence += self.sequence & 1

    def supersede(self) -> None:
        """Another fold took this one's place: whoever holds on to what it looked up here looks again."""
        self.repairs += 2

    def _arrange(self) -> None:
        """The table of handlers, without what is behind."""
        self._table = {
            kind: tuple(
                (projection, handle)
                for projection in self.projections
                if projection not in self.behind and (handle := _handler(projection, kind)) is not None
            )
            for kind in FACTS
        }
        self._table[EventOmitted] = ()  # what a kit leaves out is nobody's to fold


def _handler(projection: Projection, kind: type[Fact]) -> Handler | None:
    """What folds a fact type: its own handler first, else that of a base class."""
    handlers = projection.handlers()
    return next((handlers[base] for base in kind.__mro__ if base in handlers), None)


def _check_names(projections: Sequence[Projection]) -> None:
    names = [projection.name for projection in projections]
    if len(set(names)) < len(names):
        raise ProjectionError("each projection has its own name", names=names)
