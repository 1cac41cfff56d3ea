"""The one error tree. Each error states the broken rule and carries the values that broke it.

VectorDBError
|- InvalidInput (ValueError)      an argument breaks a rule; nothing was written
|  |- InvalidTime | InvalidEntity | InvalidName | InvalidVersion | NotFitted
|  |- CannotExchange              memory of another library in a format, or of bounds, that are not understood
|  |- CannotTransform             a value that a transformer refuses; NotANumber (TypeError) where it takes numbers
|  `- InvalidCells                up to ten bad cells, each with view, feature, entity, value, rule
|- DefinitionError                a definition is unknown or does not fit
|  |- UnknownName (KeyError)      no such view, feature, service, model, mark
|  `- DefinitionConflict          the same name with another definition; carries the difference
|- Conflict                       a stated expectation does not hold
|  |- OffsetConflict | HeadConflict | IdempotencyConflict | MarkConflict
|  |- HeadMoved                   (HeadConflict) another writer was faster, time and again
|- NotInLog (LookupError)         the log holds no such thing
|  |- OffsetOutOfRange | TimeOutOfRange | UnknownVersion | EntityNotFound
|  |- AlreadyTrue | StillFalse    a bisection has no turn to find
|  |- Erased                      (UnknownVersion) its values were destroyed
|  |- Pruned                      (OffsetOutOfRange) an offset below a compaction
|  |- Omitted                     (UnknownVersion) a kit leaves its event out
|- DamagedLog                     bytes that no writer of this format wrote; line and offset named
|  |- DigestMismatch | HeadMismatch | InvalidEvent | UnknownEventType | LineTooLong
|- StoreError (OSError)           the file, its lock or its disk
|  |- LedgerLocked | ReadOnlyLedger | ForkedProcess | WriteFailed | ClosedLedger
|  |- ConnectionLost | StatementFailed | LedgerReplaced
`- ProjectionError                a projection raised, or broke its own invariants
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class VectorDBError(Exception):
    """Root of every error raised on purpose.

    ``code`` is a stable name for programs, ``rule`` the broken rule, ``values`` what broke it.

    >>> error = InvalidTime("a time carries an offset from UTC", value="2026-01-01")
    >>> error.code, str(error)
    ('InvalidTime', "a time carries an offset from UTC (value='2026-01-01')")
    """

    def __init__(self, rule: str, **values: Any) -> None:
        super().__init__(rule)
        self.rule = rule
        self.values = values

    @property
    def code(self) -> str:
        """The stable name of this kind of error."""
        return type(self).__name__

    def __str__(self) -> str:
        shown = ", ".join(f"{name}={_shorten(value)}" for name, value in self.values.items())
        return f"{self.rule} ({shown})" if shown else self.rule

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.rule, self.values)


def _rebuild(kind: type[VectorDBError], rule: str, values: dict[str, Any]) -> VectorDBError:
    return kind(rule, **values)


def _shorten(value: object, limit: int = 200) -> str:
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # an int of more digits than may be shown, lists too deep
        text = f"<{type(value).__name__}>"
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"


class InvalidInput(VectorDBError, ValueError):
    """An argument breaks a rule; nothing was written."""


class InvalidTime(InvalidInput):
    """A time or duration that cannot be taken as one instant, or is out of range."""


class InvalidEntity(InvalidInput):
    """Not an entity id: a str, an int, or a flat tuple of these."""


class NotFitted(InvalidInput):
    """A transformer or pipeline that has learnt nothing yet was asked to transform."""


class CannotTransform(InvalidInput):
    """A value that a transformer's stated policy refuses: feature, value and rule, in a service the entity too."""


class NotANumber(CannotTransform, TypeError):
    """What a transformer takes as a number is none."""


class InvalidName(InvalidInput):
    """A name that does not match ``[A-Za-z_][A-Za-z0-9_]*``."""


class InvalidVersion(InvalidInput):
    """Text that is not a version id ``view/entity@offset[.row]``."""


class CannotExchange(InvalidInput):
    """Memory that another library gave: its format is not understood here, or its parts contradict each other."""


class InvalidCells(InvalidInput):
    """A write was refused. ``cells`` lists up to ten bad cells; ``count`` is their full number."""

    def __init__(self, rule: str, *, cells: Sequence[dict[str, Any]] = (), count: int = 0) -> None:
        super().__init__(rule, count=count or len(cells), cells=list(cells[:10]))
        self.cells = list(cells[:10])
        self.count = count or len(cells)


class DefinitionError(VectorDBError):
    """A definition is unknown, malformed, or does not fit what is there."""


class UnknownName(DefinitionError, KeyError):
    """No view, feature, service, model or mark of that name, at the offset asked for."""

    __str__ = VectorDBError.__str__


class DefinitionConflict(DefinitionError):
    """The name is taken by another definition; ``values`` shows the difference."""


class Conflict(VectorDBError):
    """An expectation stated by the caller does not hold; nothing was written."""


class OffsetConflict(Conflict):
    """``expected_offset`` is not the entity's last offset."""


class HeadConflict(Conflict):
    """``expected_head`` is not the head of the log."""


class HeadMoved(HeadConflict):
    """Another writer of a shared ledger was faster, time and again; nothing was written. Ask again."""


class IdempotencyConflict(Conflict):
    """The idempotency key was used before with other arguments."""


class MarkConflict(Conflict):
    """The mark exists already."""


class NotInLog(VectorDBError, LookupError):
    """The log holds no such thing."""


class OffsetOutOfRange(NotInLog):
    """An offset beyond the head, below 0, or pruned; ``values`` names the valid range."""


class TimeOutOfRange(NotInLog):
    """A time after the clock: what will be known then is not known now."""


class UnknownVersion(NotInLog):
    """A version id or prediction id that names no row of the log."""


class Erased(UnknownVersion):
    """The row was there and its values were destroyed; ``by`` is the offset of the event that says so."""


class Omitted(UnknownVersion):
    """A kit holds only what its prediction rests on, and leaves this event out."""


class Pruned(OffsetOutOfRange):
    """An offset below a compaction: what was known then is no longer kept; ``values`` names the valid range."""


class AlreadyTrue(NotInLog):
    """A bisection looks for where a predicate turns true, and it holds at the low end already."""


class StillFalse(NotInLog):
    """A bisection looks for where a predicate turns true, and it does not hold at the high end."""


class EntityNotFound(NotInLog):
    """``require=True`` and the entity is unknown or deleted."""


class DamagedLog(VectorDBError):
    """Bytes that no writer of this format wrote; ``line`` counts from 1 (the header)."""


class DigestMismatch(DamagedLog):
    """A line's digest does not bind its bytes and its predecessor."""


class HeadMismatch(DamagedLog):
    """The log ends elsewhere than ``expect=`` says: whole last lines were lost or replaced."""


class InvalidEvent(DamagedLog):
    """The digest holds, but the event breaks a rule of its type."""


class UnknownEventType(DamagedLog):
    """An event type, or a schema version of it, that this release does not know."""


class LineTooLong(DamagedLog):
    """A line that no writer of this format wrote, by its length."""


class StoreError(VectorDBError, OSError):
    """The file, its lock or its disk."""

    __str__ = VectorDBError.__str__


class LedgerLocked(StoreError):
    """The ledger is open for writing already, by this process or another one."""


class ReadOnlyLedger(StoreError):
    """This database takes no writes; ``values`` says why."""


class ForkedProcess(StoreError):
    """A forked child may not write to its parent's ledger."""


class WriteFailed(StoreError):
    """The line could not be written; it was cut off again and nothing was folded."""


class ClosedLedger(StoreError):
    """The database was closed."""


class ConnectionLost(StoreError):
    """The connection to the engine is gone, and a new one could not be made.

    Where it was lost within a write, ``offset`` and ``digest`` name the line: it stands exactly if the event at that
    offset has that digest once the engine answers again.
    """


class StatementFailed(StoreError):
    """The engine answered a statement with an error; ``error`` is the driver's."""


class LedgerReplaced(StoreError):
    """Lines that were read before are other ones now (an erasure): the ledger is replayed from its start.

    Or the file beneath a writer is not the one that it wrote: nothing more is written, and reads go on.
    """


class ProjectionError(VectorDBError):
    """A projection raised while folding, or broke its own invariants."""
