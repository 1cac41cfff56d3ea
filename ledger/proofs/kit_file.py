"""The file of a reproduction kit: the lines of a ledger that one prediction rests on, and the proof of each.

    {"format":"vectordb-kit","version":1,"prediction":[o,r],"predictions":[[o,r],...],"size":n,"root":"<hex>"}
    the header of the ledger                                            as it stands in the ledger's file
    a line of the ledger                                                as it stands there, or
    {"omitted":[first,last],"hashes":["<hex>",...],"digest":"<hex>"}    a run of events that is left out, or
    {"after":[first,last],"hashes":["<hex>",...]}                       those after the prediction, at most once
    {"sealed":"<hex>"}                                                  SHA-256 of all bytes before

``hashes`` are those of the largest subtrees of the Merkle tree that cover the run (of ``omitted`` all but its last
event, whose digest is told, because the next line binds it). So one pass over the file gives the root: every line
is proven to stand at its offset of a log of ``size`` events with that root. Offsets have no gap.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any, Final, NamedTuple

from ledger.chain import END_FORM, END_SIZE, START_FORM, Span, spans_of
from ledger.errors import DamagedLog, DigestMismatch
from ledger.header import DIGEST_SIZE, Header, canonical, chain_digest, read_header
from ledger.proofs.merkle import CompactTree, blocks
from ledger.proofs.verification import leaf_hash

FORMAT: Final = "vectordb-kit"
FORMAT_VERSION: Final = 1
START: Final = b'{"format":"vectordb-kit",'
OMITTED: Final = b'{"omitted":'
AFTER: Final = b'{"after":'
MOST_EVENTS: Final = 1 << 32  # a replay fills what is left out: 16 MB for as many
Row = tuple[int, int]


class KitTitle(NamedTuple):
    """The first line: which prediction, as (offset, row), all predictions that are whole, and the tree head."""

    prediction: Row
    predictions: tuple[Row, ...]
    size: int
    root: str

    def line(self) -> bytes:
        """The line, newline included."""
        data = {"format": FORMAT, "version": FORMAT_VERSION, **self._asdict()}
        return canonical(data) + b"\n"


class KitLine(NamedTuple):
    """A line of the ledger: its number in the kit's file, its offset, its body and its digest."""

    number: int
    offset: int
    body: bytes
    digest: bytes


class Kit(NamedTuple):
    """What a kit's file holds, once everything about its bytes was checked. ``edges`` are digests of omitted events."""

    title: KitTitle
    header: Header
    lines: tuple[KitLine, ...]
    edges: dict[int, bytes]


def omitted_line(first: int, last: int, hashes: Sequence[bytes], digest: bytes | None) -> bytes:
    """The line of a run that is left out; without a digest it is the run after the prediction."""
    data: dict[str, Any] = {"after" if digest is None else "omitted": [first, last]}
    data["hashes"] = [found.hex() for found in hashes]
    return canonical(data if digest is None else {**data, "digest": digest.hex()}) + b"\n"


def seal_line(raw: bytes) -> bytes:
    """The last line, over all bytes before it."""
    return canonical({"sealed": sha256(raw).hexdigest()}) + b"\n"


def read_kit(raw: bytes) -> Kit:
    """Check every byte of a kit and take it apart; raises ``DamagedLog``, naming the line.

    1 us a line and 2 us a hash of the proof.
    """
    lines = raw.split(b"\n")
    if lines.pop() or len(lines) < 4:
        raise DamagedLog("a kit ends with its seal and a newline", line=max(1, len(lines)), offset=0)
    body = raw[: len(raw) - len(lines[-1]) - 1]
    if lines[-1] + b"\n" != seal_line(body):
        raise DigestMismatch("the seal of a kit binds all of its bytes", line=len(lines), offset=0)
    title = _title(lines[0])
    header = read_header(lines[1] + b"\n", 2)
    reading = _Reading(title, header)
    for number, line in enumerate(lines[2:-1], 3):
        reading.take(line, number)
    return reading.finish(len(lines))


class _Reading:
    """One pass over the lines after the header."""

    def __init__(self, title: KitTitle, header: Header) -> None:
        self._title = title
        self._header = header
        self._spans = spans_of(header)[::-1]
        self._tree = CompactTree()
        self._previous: bytes | None = None  # the digest of the last event, where it is known
        self._lines: list[KitLine] = []
        self._edges: dict[int, bytes] = {}
        self._ended = False

    def take(self, line: bytes, number: int) -> None:
        """One line: of the ledger, or of a run that is left out."""
        if self._ended:
            raise DamagedLog("nothing follows the run after the prediction", line=number, offset=self._tree.size)
        if line.startswith((OMITTED, AFTER)):
            self._take_run(line, number)
        else:
            self._take_event(line + b"\n", number)

    def _take_event(self, raw: bytes, number: int) -> None:
        offset = self._tree.size + 1
        span = next(span for span in self._spans if span.first <= offset)
        if offset == span.first:
            self._check_joint(span, number)
        previous = span.genesis if offset == span.first else self._previous
        body = raw[:-END_SIZE]
        digest = b"" if previous is None else chain_digest(span.ledger_id, previous, body)
        if raw[-END_SIZE:] != END_FORM % digest.hex().encode() or not body.startswith(START_FORM % offset):
            rule = "a line's digest binds its bytes and the line before it"
            raise DigestMismatch(rule, line=number, offset=offset)
        self._add(digest)
        self._lines.append(KitLine(number, offset, body, digest))

    def _add(self, digest: bytes) -> None:
        self._tree.add(leaf_hash(digest))
        self._previous = digest

    def _check_joint(self, span: Span, number: int) -> None:
        if span.first > 1 and self._previous != span.joint:
            rule = "a fork's header binds its parent's last digest"
            raise DigestMismatch(rule, line=number, offset=span.first)

    def _take_run(self, line: bytes, number: int) -> None:
        first = self._tree.size + 1
        bounds, hashes, digest = _run(line, number, first)
        last = bounds[1]
        after = digest is None
        heights = [height for height, _ in blocks(first - 1, last if after else last - 1)]
        if bounds[0] != first or last < first or len(heights) != len(hashes):
            rule = "a run that is left out is told by the hashes of its largest subtrees"
            raise DamagedLog(rule, line=number, offset=first, run=bounds, hashes=len(hashes))
        for found, height in zip(hashes, heights, strict=True):
            self._tree.add(found, height)
        self._previous, self._ended = None, after
        if digest is not None:
            self._add(digest)
            self._edges[last] = digest

    def finish(self, number: int) -> Kit:
        """The kit, once its lines make the root."""
        title, offset = self._title, self._title.prediction[0]
        if self._tree.size != title.size or self._tree.root().hex() != title.root:
            found = {"size": self._tree.size, "root": self._tree.root().hex()}
            raise DigestMismatch("the lines of a kit make the root of its tree", line=number, offset=0, **found)
        if not self._lines or self._lines[-1].offset != offset:
            raise DamagedLog("the last event of a kit is its prediction", line=number, offset=offset)
        return Kit(title, self._header, tuple(self._lines), self._edges)


def _title(line: bytes) -> KitTitle:
    try:
        data = json.loads(line)
        rows = tuple(map(_row, data["predictions"]))
        title = KitTitle(_row(data["prediction"]), rows, int(data["size"]), data["root"])
        good = title.line() == line + b"\n" and title.prediction in rows and list(rows) == sorted(set(rows))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise DamagedLog("the first line of a kit is its title", line=1, offset=0) from error
    if not good:
        raise DamagedLog("the title of a kit of a known version is worded in one way", line=1, offset=0)
    return title


def _row(pair: Any) -> Row:
    offset, row = pair
    return int(offset), int(row)


def _run(line: bytes, number: int, offset: int) -> tuple[tuple[int, int], list[bytes], bytes | None]:
    """Bounds, hashes and last digest of a run; the line is worded in one way."""
    try:
        data = json.loads(line)
        first, last = data["omitted"] if "omitted" in data else data["after"]
        hashes = [bytes.fromhex(text) for text in data["hashes"]]
        digest = bytes.fromhex(data["digest"]) if "omitted" in data else None
        good = omitted_line(first, last, hashes, digest) == line + b"\n" and type(first) is type(last) is int
        told = hashes if digest is None else [*hashes, digest]
        good = good and last <= MOST_EVENTS and all(len(found) == DIGEST_SIZE for found in told)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DamagedLog("a run that is left out has its form", line=number, offset=offset) from error
    if not good:
        raise DamagedLog("a run that is left out is worded in one way", line=number, offset=offset)
    return (first, last), hashes, digest


def runs_between(kept: Sequence[int], joints: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The runs of offsets that are left out up to the last one kept, cut after every joint of a fork.

    >>> list(runs_between([3, 9], [5]))
    [(1, 2), (4, 5), (6, 8)]
    """
    before = 0
    for offset in kept:
        cuts = [joint for joint in sorted(joints) if before < joint < offset]
        starts = [before + 1, *(cut + 1 for cut in cuts)]
        for start, stop in zip(starts, [*cuts, offset - 1], strict=True):
            if start <= stop:
                yield start, stop
        before = offset
