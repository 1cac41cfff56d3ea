"""Settlement: every line that was rewritten is vouched for by the event that it names.

Read in order, a rewritten line opens an account and the event that rewrote it settles it. At the end of a file nothing
is open, but for what a fork inherited: where its parent redacted a line later, the fork's header vouches.
"""

from __future__ import annotations

from collections import deque
from hashlib import sha256

from ledger.chain import Chain
from ledger.errors import DigestMismatch
from ledger.event import Event
from ledger.facts.event_pruned import EventPruned
from ledger.facts.log_compacted import LogCompacted
from ledger.facts.vouched import Vouching


class Settlement:
    """The open accounts of a log that is being read."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._by: dict[int, int] = {}  # every redacted line, and the event it names
        self._open: set[int] = set()
        self._pruned: deque[int] = deque()  # in order of offset, as the bounds of compactions are
        self._leaves, self._hashed = sha256(), 1  # of the digests before an offset
        self._gone: set[int] = set()  # every pruned line
        self._counted: dict[int, int] = {}  # how many each compaction says that it pruned

    @property
    def is_open(self) -> bool:
        """Whether a line waits for its event."""
        return bool(self._open) or bool(self._pruned)

    def note(self, event: Event, line: int) -> None:
        """Take in an event in order."""
        fact = event.fact
        if fact.redaction is not None:
            self._by[event.offset] = fact.redaction.by
            self._open.add(event.offset)
        elif isinstance(fact, EventPruned):
            self._pruned.append(event.offset)
            self._gone.add(event.offset)
        elif isinstance(fact, Vouching):
            self._settle(fact, event.offset, line)

    def _settle(self, fact: Vouching, offset: int, line: int) -> None:
        for rewritten, digest in fact.lines:
            by = self._by.get(rewritten)
            if by is None and rewritten not in self._gone:
                rule = "a line that was erased does not come back"
                raise DigestMismatch(rule, line=line, offset=offset, erased=rewritten)
            if by is not None and (by < offset or (by == offset and self._chain.redacted.get(rewritten) != digest)):
                rule = "the event that rewrote a line names what is left of it"
                raise DigestMismatch(rule, line=line, offset=offset, rewritten=rewritten, by=by)
            if by == offset:
                self._open.discard(rewritten)
        if isinstance(fact, LogCompacted):
            if self._leaves_below(fact.below) != fact.leaves:
                rule = "a compaction binds the digests of the lines below it"
                raise DigestMismatch(rule, line=line, offset=offset, below=fact.below)
            self._counted[offset] = fact.pruned
            while self._pruned and self._pruned[0] < fact.below:
                self._pruned.popleft()

    def _leaves_below(self, below: int) -> str:
        """The SHA-256 of the digests before an offset; only those are hashed that no compaction before this one has."""
        if below < self._hashed:  # the one before was refused
            self._leaves, self._hashed = sha256(), 1
        self._leaves.update(self._chain.digests(self._hashed - 1, below - 1))
        self._hashed = below
        return self._leaves.hexdigest()

    def finish(self, line: int, below: int = 0) -> None:
        """Refuse what nobody vouched for: an event, or the header of a fork for what its parent redacted later.

        In memory a fork may also have inherited a compaction ``below`` an offset, without the event that says so.
        """
        header, now = self._chain.inherited, self._chain.redacted
        left = [at for at in sorted(self._open) if header.get(at) != now.get(at)]
        left += [pruned for pruned in self._pruned if pruned >= below]
        if left:
            offset = min(left)
            rule = "an event of the log says what became of a line that was rewritten"
            raise DigestMismatch(rule, line=line, offset=offset, rewritten=offset, by=self._by.get(offset))
        gone, counted = len(self._gone), sum(self._counted.values())  # ints
        if gone != counted and not below:
            rule = "compactions count the lines that they pruned"
            raise DigestMismatch(rule, line=line, offset=max(self._gone, default=0), pruned=gone, counted=counted)
