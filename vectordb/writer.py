"""The writer: decides, writes the line, folds. Refusals come before the append, never after it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from hashlib import sha256
from typing import Any

from ledger import (
    FOUND,
    MAX_MICROS,
    ROW_BITS,
    Entity,
    Event,
    Fact,
    HeadMoved,
    InvalidInput,
    InvalidTime,
    InvalidVersion,
    Meta,
    OffsetConflict,
    Origin,
    ProjectionError,
    ReadOnlyLedger,
    canonical,
    check_plain,
    header_of,
)
from projections import Gone
from vectordb.call_arguments import said
from vectordb.receipt import Receipt
from vectordb.state import State
from vectordb.views.version import find_row

FactOf = Callable[[int, int], Fact]


class Writer:
    """The one way into the log. Every method runs under the state's lock."""

    __slots__ = ("_clock", "_fold", "_log", "_write", "closed", "state")

    def __init__(self, state: State) -> None:
        self.state = state
        self._log = state.log
        self._fold = state.fold
        self._clock = state.clock
        self._write = state.journal.write
        self.closed: Callable[[], None] | None = None  # raises when the database takes no writes

    def commit(self, fact_of: FactOf, meta: Meta | None = None, bound: int | None = None) -> Receipt:
        """Append one event and fold it. ``fact_of(offset, time)`` makes the fact once both are known.

        ``bound`` is a size in bytes that the encoded event surely does not exceed, None where nobody knows.
        The event stands once its line is written; an interrupt after that leaves views to be rebuilt
        before their next answer, and one before it leaves nothing at all.
        """
        log, fold = self._log, self._fold
        if self.closed is not None:
            self.closed()
        time = self._clock()
        if time < log.last_time:
            time = log.last_time
        if type(time) is not int or time > MAX_MICROS:
            raise _no_time(time)
        offset = log.head + 1
        event = Event(offset, time, fact_of(offset, time), meta, log)
        fold.sequence |= 1  # odd: readers wait, or come under the lock
        try:
            self._write(event, bound)
            fold.apply(event)
        except HeadMoved:  # the log is as it was
            raise
        except BaseException as error:
            if log.head < offset:
                log.repair()
            else:
                fold.all_behind(error)
            raise
        finally:
            fold.end()
        if log.awaited:
            log.announce()
        return Receipt(event)

    def rewrite(self, gone: Gone, fact_of: Callable[[dict[int, bytes]], Fact], meta: Meta | None = None) -> Receipt:
        """Put what is left of some events in their places, and add the event that vouches for them.

        ``fact_of`` makes it of the digests of what is left. Readers wait until every view has dropped what is gone. An
        interrupt after the file was replaced leaves memory behind it: nothing is then written any more.
        """
        log, fold, journal = self._log, self._fold, self.state.journal
        if self.closed is not None:
            self.closed()
        time, offset = max(self._clock(), log.last_time), log.head + 1
        if type(time) is not int or time > MAX_MICROS:
            raise _no_time(time)
        fold.hold()
        try:
            event = journal.rewrite(gone.events, lambda now: Event(offset, time, fact_of(now), meta, log))
            fold.forget(gone)
            fold.apply(event)
            self.state.forget()
            with suppress(ProjectionError):  # it is empty, and behind until it can: the event stands
                self.state.heal_all()
        except BaseException as error:
            if journal.replaced:
                self.closed = _refuse_replaced
            if log.head >= offset or journal.replaced:
                fold.all_behind(error)
            raise
        finally:
            fold.settle()
            fold.end()
        if log.awaited:
            log.announce()
        return Receipt(event)

    # -- decisions -----------------------------------------------------------------------------------

    def replayed(self, origin: Origin | None) -> Receipt | None:
        """The first receipt of an idempotency key that was used with the same arguments."""
        if origin is None or origin.key is None:
            return None
        event = self._log.find_key(origin.key, origin.args or "")
        return None if event is None else Receipt(event, replayed=True)

    def check_offset(self, view: str, entity: Entity, expected: int | None) -> None:
        """Refuse unless the entity's last write is at the expected offset; 0 = it must not exist."""
        if expected is None:
            return
        self.state.heal()
        packed = self.state.rows.tables[view].rows.get(entity)
        exists = packed is not None and header_of(packed)[2] & FOUND
        actual = self.state.rows.last_ref(view, entity) >> ROW_BITS if exists else 0
        if actual != expected:
            rule = "the entity's last write is at the expected offset (0: it does not exist)"
            raise OffsetConflict(rule, view=view, entity=entity, expected=expected, actual=actual)

    def refs_of(self, version_ids: str | Iterable[str]) -> tuple[int, ...]:
        """References of version ids (or prediction ids) that exist."""
        try:
            ids = [version_ids] if isinstance(version_ids, str) else list(version_ids)
        except TypeError:
            raise InvalidVersion("derived_from is a version id, or several", value=version_ids) from None
        return tuple(dict.fromkeys(find_row(self._log, version_id, self._log.head).ref for version_id in ids))


def _no_time(time: Any) -> InvalidTime:
    return InvalidTime("a clock gives whole microseconds, at most 2**53", value=time)


def _refuse_replaced() -> None:
    raise ReadOnlyLedger("memory is behind the file, whose rewriting was cut short: open it again")


def make_origin(
    writer: Writer,
    derived_from: str | Iterable[str],
    transformation: str | None,
    key: str | None,
    arguments: Any,
) -> Origin | None:
    """The origin of a write, None where nothing was said. ``arguments`` are those of the call, as given."""
    if not derived_from and transformation is None and key is None:
        return None
    refs = writer.refs_of(derived_from)
    for name, text in (("transformation", transformation), ("idempotency_key", key)):
        if text is not None and (not isinstance(text, str) or not text):
            raise InvalidInput(f"{name} is a non-empty text", value=text)
        check_plain(text, name)
    args = None
    if key is not None:
        args = sha256(canonical([said(arguments), list(refs), transformation])).hexdigest()[:32]
    return Origin(refs, transformation, key, args)


def make_meta(
    actor: str | None = None,
    correlation: str | None = None,
    causation: str | None = None,
    tags: Iterable[str] = (),
    **unknown: Any,
) -> Meta | None:
    """The meta of a write, None where nothing was said."""
    if unknown:
        known = "actor, correlation, causation and tags"
        raise TypeError(f"unexpected keyword argument {sorted(unknown)[0]!r}: besides its own, a write takes {known}")
    if not isinstance(tags, Iterable):
        raise InvalidInput("tags are texts", value=tags)
    meta = Meta(actor, correlation, causation, (tags,) if isinstance(tags, str) else tuple(tags))
    for text in (actor, correlation, causation, *meta.tags):
        if text is not None and (not isinstance(text, str) or not text):
            raise InvalidInput("actor, correlation, causation and tags are non-empty text", value=text)
        check_plain(text, "meta")
    return None if meta == Meta() else meta
