"""Checks of the log: offsets and times, digests, the lines of the file, references."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, zip_longest
from typing import Any, Final

from ledger import (
    ROW_BITS,
    ROW_MASK,
    ClosedLedger,
    DamagedLog,
    Event,
    Journal,
    Log,
    PredictionsRecorded,
    UnknownVersion,
    chain_digest,
    pruned_body,
)
from vectordb.audit.checking import GONE, Checking
from vectordb.audit.report import Check, Deviation

AS_OF: Final = "as_of"
DIGEST_ONLY: Final = "of a line that was pruned only the digest is kept, which the compaction binds"
REWRITTEN: Final = "of a line that was redacted the digest of what is left is checked, which the redaction binds"


def check_events(checking: Checking) -> Check:
    """Offsets without a gap, recorded times that never go back."""
    log = checking.log

    def check(offset: int) -> Deviation | None:
        event, before = log.event(offset), log.time_of(offset - 1) if offset > 1 else None
        if event.offset != offset:
            return Deviation(f"event {offset}", offset, event.offset)
        if before is not None and event.time < before:
            return Deviation(f"recorded time of event {offset}", f"at least {before}", event.time)
        return None

    return checking.each("events", check)


def check_digests(checking: Checking) -> Check:
    """Every digest is that of a body and the digest before it; of a redacted line, that of what is left."""
    log, chain = checking.log, checking.log.chain

    def check(offset: int) -> Deviation | str | None:
        held, body = chain.digest(offset), log.body(offset)
        if body == pruned_body(offset):
            return DIGEST_ONLY
        now = chain.redacted.get(offset)
        found = chain_digest(*chain.before(offset), body)
        differs = _same(f"digest of event {offset}", found.hex(), (now or held).hex())
        return differs or (None if now is None else REWRITTEN)

    return checking.each("digests", check)


def _same(place: str, expected: Any, found: Any) -> Deviation | None:
    return None if expected == found else Deviation(place, expected, found)


def check_file(checking: Checking) -> list[Check]:
    """The lines of the file are those of the log, read again; no check where there is no file."""
    journal, head = checking.state.journal, checking.offset
    if journal.store is None:
        return []
    wanted = checking.told("file", range(head + 1), head + 1)
    try:
        lines = (line for _, lines in journal.store.read(0) for line in lines)
        for offset, line in zip_longest(wanted, islice(lines, head + 1)):
            expected = _line(journal, offset)
            if expected is not None and line != expected:
                return [Check("file", offset, Deviation(f"line {offset + 1} of the file", expected, line))]
    except ClosedLedger as error:
        return [Check("file", 0, None, (error.rule,))]
    except (OSError, DamagedLog) as error:
        return [Check("file", 0, Deviation("the file", "one that can be read", error))]
    return [Check("file", head)]


def _line(journal: Journal, offset: int) -> bytes | None:
    """The line of an event; None where it cannot be written again."""
    try:
        return journal.line(offset)
    except GONE:
        return None


def check_references(checking: Checking) -> Check:
    """What an event refers to is there, and earlier."""
    log = checking.log

    def check(offset: int) -> Deviation | None:
        for what, ref, limit in _refs_of(log.event(offset)):
            if ref > limit:
                return Deviation(f"{what} of event {offset}", f"at most {_shown(limit)}", _shown(ref))
            if what != AS_OF and not _is_there(log, ref):
                return Deviation(f"{what} of event {offset}", "a row of the log", _shown(ref))
        return None

    return checking.each("references", check)


def _refs_of(event: Event) -> Iterator[tuple[str, int, int]]:
    """What an event refers to, and the last reference that it may have."""
    own, origin = event.offset << ROW_BITS, getattr(event.fact, "origin", None)
    for ref in origin.derived_from if origin is not None else ():
        yield "derived_from", ref, own + event.rows - 2  # a row comes before the last one
    if isinstance(event.fact, PredictionsRecorded):
        yield AS_OF, event.fact.as_of << ROW_BITS, own - 1
        for row in event.fact.predictions:
            for ref in row.sources:
                if ref:
                    yield "the source of an input", ref, event.fact.as_of << ROW_BITS | ROW_MASK


def _is_there(log: Log, ref: int) -> bool:
    try:
        log.owner(ref)
    except GONE:
        return True
    except UnknownVersion:
        return False
    return True


def _shown(ref: int) -> str:
    return f"{ref >> ROW_BITS}.{ref & ROW_MASK}"
