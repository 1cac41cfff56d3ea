"""The digest chain of a log: each event's digest binds the ledger id and the digest before it.

The first event of a ledger binds the digest of its header. A fork's file repeats its parent's lines with
their digests; its own first event binds the fork's header, and that header binds the parent's digest at
the offset where the fork began. So a chain is a few **spans**, one for each ledger in the ancestry.

A line that was redacted keeps the digest it was written with (the next line binds it), and has a second one of what
stands there now, which the event that redacted it names: ``redacted``. A pruned line is its digest and nothing else.
``ledger.settlement`` checks that somebody vouches for each.
"""

from __future__ import annotations

from binascii import hexlify
from collections.abc import Callable, Sequence
from hashlib import sha256
from threading import RLock
from typing import NamedTuple

from ledger.errors import DigestMismatch, InvalidInput
from ledger.header import (
    DIGEST_SIZE,
    HEX_DIGEST,
    MAX_ANCESTORS,
    TAIL_SIZE,
    Header,
    Parent,
    chain_digest,
    pruned_body,
    split,
    split_redacted,
)
from ledger.locks import free_in_children

START_FORM = b'{"offset":%d,'
END_FORM = b',"digest":"%b"}\n'
END_SIZE = TAIL_SIZE + 1


class Span(NamedTuple):
    """Events from ``first`` on belong to a ledger; the first of them binds ``genesis``.

    ``joint`` is the digest that the event before ``first`` must have (None in the first span).
    """

    first: int
    ledger_id: bytes
    genesis: bytes
    joint: bytes | None


def spans_of(header: Header) -> list[Span]:
    """The spans of a ledger, the oldest first."""
    spans: list[Span] = []
    ledger_id, genesis, parent = header.ledger_id, header.digest, header.parent
    while parent is not None:
        spans.append(Span(parent.offset + 1, bytes.fromhex(ledger_id), genesis, bytes.fromhex(parent.digest)))
        ledger_id, genesis, parent = parent.ledger_id, bytes.fromhex(parent.genesis), parent.parent
    spans.append(Span(1, bytes.fromhex(ledger_id), genesis, None))
    return spans[::-1]


def parent_at(header: Header, offset: int, digest: bytes) -> Parent:
    """What a fork at an offset says of its parent: the ledger in the ancestry that wrote that event."""
    ledger_id, genesis, parent = header.ledger_id, header.digest.hex(), header.parent
    while parent is not None and offset <= parent.offset:
        ledger_id, genesis, parent = parent.ledger_id, parent.genesis, parent.parent
    depth, older = 1, parent
    while older is not None:
        depth, older = depth + 1, older.parent
    if depth > MAX_ANCESTORS:
        raise InvalidInput(f"a ledger is a fork of forks of at most {MAX_ANCESTORS} others", offset=offset)
    return Parent(ledger_id, genesis, offset, digest.hex(), parent)


class Chain:
    """Digests in order of offset, 32 bytes each, computed on first use or given by a file."""

    def __init__(self, header_of: Callable[[], Header], body_of: Callable[[int], bytes]) -> None:
        self._header_of = header_of
        self._body_of = body_of
        self._digests = bytearray()
        self.redacted: dict[int, bytes] = {}  # offset -> digest of what is left of that line
        self._spans: list[Span] | None = None
        self._lock = free_in_children(RLock())

    @property
    def spans(self) -> list[Span]:
        """The spans, the newest first."""
        if self._spans is None:
            self._spans = spans_of(self._header_of())[::-1]  # the same for every thread: there is one header
        return self._spans

    @property
    def inherited(self) -> dict[int, bytes]:
        """Lines that a fork's parent redacted after the fork left it, with the digest of what is left of each."""
        parent = self._header_of().parent
        return {at: bytes.fromhex(text) for at, text in parent.redacted} if parent else {}

    @property
    def known(self) -> int:
        """The offset up to which digests are known."""
        return len(self._digests) // DIGEST_SIZE

    def share(self, other: Chain, offset: int) -> None:
        """Take what another chain knows up to an offset."""
        self._digests = other._digests[: offset * DIGEST_SIZE]
        self.redacted = {at: digest for at, digest in other.redacted.items() if at <= offset}

    def before(self, offset: int) -> tuple[bytes, bytes]:
        """The ledger id and the previous digest that the event at an offset binds."""
        span = next(span for span in self.spans if span.first <= offset)
        return span.ledger_id, span.genesis if offset == span.first else self.digest(offset - 1)

    def next(self, body: bytes) -> bytes:
        """The digest of the event after the last one known."""
        return chain_digest(*self.before(self.known + 1), body)

    def push(self, digest: bytes) -> None:
        """Add a digest that was computed or verified."""
        self._digests += digest

    def cut(self, head: int) -> None:
        """Forget the digests beyond a head."""
        del self._digests[head * DIGEST_SIZE :]
        for offset in [offset for offset in self.redacted if offset > head]:
            del self.redacted[offset]

    def leaves(self, stop: int) -> bytes:
        """The digests of the events before an offset, one after the other."""
        self.digest(stop - 1)
        return bytes(self._digests[: (stop - 1) * DIGEST_SIZE])

    def now(self, offset: int, body: bytes) -> bytes:
        """The digest that a line has once its body is another one; the line keeps the old one beside it."""
        return chain_digest(*self.before(offset), body)

    def digest(self, offset: int) -> bytes:
        """The digest at an offset, 0 for the header's; unknown ones before it are computed first."""
        if offset == 0:
            return self.spans[-1].genesis
        if offset > self.known:
            self._extend(offset)
        return bytes(self._digests[(offset - 1) * DIGEST_SIZE : offset * DIGEST_SIZE])

    def digests(self, start: int, stop: int) -> bytes:
        """The digests of offsets after ``start`` up to ``stop``, joined."""
        if stop > self.known:
            self._extend(stop)
        return bytes(self._digests[start * DIGEST_SIZE : stop * DIGEST_SIZE])

    def _extend(self, offset: int) -> None:
        with self._lock:
            while self.known < offset:
                self.push(self.next(self._body_of(self.known + 1)))

    def verify(self, lines: Sequence[bytes], line: int) -> list[bytes]:
        """The bodies of the next lines of a file, once their digests hold; ``line`` numbers the first."""
        bodies: list[bytes] = []
        known = self.known
        joints = {span.first: span for span in self.spans[::-1] if known < span.first <= known + len(lines)}
        ledger_id, previous = self.before(known + 1)
        previous = self.digest(known) if known + 1 in joints else previous
        digests: list[bytes] = []
        start = 0
        for first, span in [*sorted(joints.items()), (known + 1 + len(lines), None)]:
            stop = first - known - 1
            self._verify_run(lines[start:stop], ledger_id, previous, known + 1 + start, line + start, bodies, digests)
            if span is not None:
                before = digests[-1] if digests else previous
                ledger_id, previous = _join(span, before, first, line + stop)
            start = stop
        self.push(b"".join(digests))
        return bodies

    def _verify_run(
        self,
        lines: Sequence[bytes],
        ledger_id: bytes,
        previous: bytes,
        offset: int,
        line: int,
        bodies: list[bytes],
        digests: list[bytes],
    ) -> None:
        """Lines of one span. One comparison checks a line's digest and the form of its end: 1.3 us a line."""
        prefix = b"\0" + ledger_id
        for raw in lines:
            body = raw[:-END_SIZE]
            before, previous = previous, sha256(prefix + previous + body).digest()
            if raw[-END_SIZE:] != END_FORM % hexlify(previous) or not body.startswith(START_FORM % offset):
                body, previous = self._verify_rewritten(raw, ledger_id, before, offset, line)
            bodies.append(body)
            digests.append(previous)
            offset += 1
            line += 1

    def _verify_rewritten(
        self, raw: bytes, ledger_id: bytes, before: bytes, offset: int, line: int
    ) -> tuple[bytes, bytes]:
        """Body and digest of a line that a later event rewrote; anything else is damage."""
        outer, text = split(raw, line, offset)
        body, now = split_redacted(outer)
        good = body.startswith(START_FORM % offset) and now == chain_digest(ledger_id, before, body)
        if raw[-1:] != b"\n" or not (good or outer == pruned_body(offset)) or not HEX_DIGEST.fullmatch(text):
            raise _damage(raw, offset, line)
        if now is not None:
            self.redacted[offset] = now
        return body, bytes.fromhex(text.decode())


def _damage(raw: bytes, offset: int, line: int) -> DigestMismatch:
    body, _ = split(raw, line, offset)
    if not body.startswith(START_FORM % offset):
        return DigestMismatch("a line begins with its own offset", line=line, offset=offset, start=raw[:40])
    return DigestMismatch("a line's digest binds its bytes and the line before it", line=line, offset=offset)


def _join(span: Span, previous: bytes, offset: int, line: int) -> tuple[bytes, bytes]:
    if span.joint is not None and previous != span.joint and offset > 1:
        raise DigestMismatch("a fork's header binds its parent's last digest", line=line, offset=offset)
    return span.ledger_id, span.genesis
