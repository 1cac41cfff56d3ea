"""The header: the first line of a ledger file, and the digest chain that starts from it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from hashlib import sha256
from random import Random
from typing import Any, Final, NamedTuple

from ledger.errors import DamagedLog, DigestMismatch
from ledger.times import MAX_MICROS

FORMAT: Final = "vectordb-ledger"
FORMAT_VERSION: Final = 1
DIGEST_KEY: Final = b',"digest":"'
DIGEST_SIZE: Final = 32
TAIL_SIZE: Final = len(DIGEST_KEY) + 2 * DIGEST_SIZE + 2  # ,"digest":"<64 hex>"}
MAX_ANCESTORS: Final = 256  # of a fork of forks; a header names them all, each within the next
HEX_DIGEST: Final = re.compile(rb"[0-9a-f]{64}")
REDACTED_KEY: Final = b',"redacted":"'
REDACTED_SIZE: Final = len(REDACTED_KEY) + 2 * DIGEST_SIZE + 1  # ,"redacted":"<64 hex>"
HEADER_START: Final = b'{"format":"%b"' % FORMAT.encode()
FOREIGN: Final = {
    b"SQLite format 3\0": "a SQLite file: open it with VectorDB.connect",
    b'{"format":"vectordb-kit"': "a reproduction kit: read it with VectorDB.replay",
}


class Parent(NamedTuple):
    """Where a fork left its parent: the parent's id and header digest, the offset and digest there.

    ``redacted``, left out where there is none, are the lines up to there that the parent redacted after that offset,
    each with the digest of what is left: the event that vouches for them is not in the fork, so its header does.
    """

    ledger_id: str
    genesis: str
    offset: int
    digest: str
    parent: Parent | None = None
    redacted: tuple[tuple[int, str], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain data, the parent's own parent within it."""
        data = self._asdict()
        data["parent"] = self.parent.to_json() if self.parent else None
        lines = data.pop("redacted")
        return {**data, "redacted": [list(line) for line in lines]} if lines else data


class Header(NamedTuple):
    """Identity of a ledger: a random id, when it was created, and the parent of a fork.

    {"format":"vectordb-ledger","version":1,"ledger_id":"<32 hex>","created":<us>,"parent":null,"digest":"..."}
    """

    ledger_id: str
    created: int
    parent: Parent | None = None

    def body(self) -> bytes:
        """The header's line up to its digest."""
        parent = self.parent.to_json() if self.parent else None
        data = {"format": FORMAT, "version": FORMAT_VERSION, "ledger_id": self.ledger_id, "created": self.created}
        return canonical({**data, "parent": parent})[:-1]

    @property
    def digest(self) -> bytes:
        """The digest that the first event's digest binds."""
        return sha256(b"\0" + self.body()).digest()

    def line(self) -> bytes:
        """The whole first line, newline included."""
        return seal(self.body(), self.digest)


def new_header(created: int, seed: int | None = None, parent: Parent | None = None) -> Header:
    """A header with a fresh id; a seed makes the id repeatable."""
    raw = os.urandom(16) if seed is None else Random(f"ledger {seed}").randbytes(16)
    return Header(raw.hex(), created, parent)


def read_header(line: bytes, number: int = 1) -> Header:
    """The header of a line of that number; refuses any other bytes than ``Header.line`` writes."""
    try:
        body, digest = split(line, number, 0)
    except DigestMismatch as error:
        if number > 1 or line.startswith(HEADER_START):  # of a kit it is the second line
            raise
        raise DigestMismatch(foreign_rule(line), line=number, offset=0, start=line[:40]) from error
    try:
        data = json.loads((body + b"}").decode())  # bytes would be taken as UTF-16 where they look like it
        header = Header(_hex(data["ledger_id"], 32), _count(data["created"], -MAX_MICROS), _parent(data["parent"], 1))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DamagedLog("the first line of a ledger is its header", line=number, offset=0) from error
    if data.get("format") != FORMAT or data.get("version") != FORMAT_VERSION:
        found = {"format": data.get("format"), "version": data.get("version")}
        raise DamagedLog("the file is a ledger of a known version", line=number, offset=0, **found)
    if header.body() != body or header.digest.hex().encode() != digest:
        raise DigestMismatch("a header's digest binds its bytes", line=number, offset=0)
    return header


def foreign_rule(start: bytes) -> str:
    """The rule that a file breaks whose first line is not that of a ledger, and what reads it where that is known."""
    rule = "not a vectordb ledger: its first line is not a ledger header"
    for known, advice in FOREIGN.items():
        if start.startswith(known):
            return f"{rule}; {advice}"
    return rule


def check_torn_header(start: bytes, path: str) -> None:
    """Refuse the bytes of a file without a whole line, unless they can be a header that a crash cut short."""
    if not is_torn_header(start):
        raise DamagedLog(foreign_rule(start), path=path, line=1, offset=0, start=start[:40])


def is_torn_header(start: bytes) -> bool:
    """Whether bytes can be the beginning of a header, cut short by a crash; anything else is a foreign file."""
    form = Header("0" * 32, 0).line()
    place = form.index(b"0" * 32)
    if not form.startswith(start[:place]):
        return False
    rest = start[place:]
    return re.fullmatch(rb"[0-9a-f]{0,32}|[0-9a-f]{32}\".{0,600}", rest, re.DOTALL) is not None and (
        len(rest) <= 32 or form[place + 32 :].startswith(rest[32:44])
    )


def _parent(data: Any, depth: int) -> Parent | None:
    if data is None:
        return None
    if depth > MAX_ANCESTORS:
        raise ValueError("forks of forks end somewhere")
    ledger_id, genesis, offset, digest, parent = (data[name] for name in Parent._fields[:5])
    before = _parent(parent, depth + 1)
    lines = tuple((_count(at, 1), _hex(text, 64)) for at, text in data.get("redacted", ()))
    found = Parent(_hex(ledger_id, 32), _hex(genesis, 64), _count(offset, 0), _hex(digest, 64), before, lines)
    if list(lines) != sorted(dict(lines).items()) or any(at > found.offset for at, _ in lines):
        raise ValueError("inherited lines stand in order, each once")
    if before is not None and before.offset >= found.offset:
        raise ValueError("a fork lies after its parent's own beginning")
    return found


def _hex(text: Any, size: int) -> str:
    if type(text) is not str or len(text) != size or bytes.fromhex(text).hex() != text:
        raise ValueError(f"{size} hexadecimal digits in lower case")
    return text


def _count(number: Any, least: int) -> int:
    if type(number) is not int or not least <= number <= MAX_MICROS:
        raise ValueError("a whole number in range")
    return number


def chain_digest(ledger_id: bytes, previous: bytes, body: bytes) -> bytes:
    """The digest of one event's line.

    SHA-256 of a zero byte, the ledger id, the previous digest and the line's bytes up to its own digest. The digests
    are the leaves of the Merkle tree (``ledger.proofs.merkle``). 0.55 us for a line of 200 bytes.
    """
    return sha256(b"\0" + ledger_id + previous + body).digest()


def seal(body: bytes, digest: bytes) -> bytes:
    """The whole line of a body: digest, closing brace and newline added."""
    return b'%b,"digest":"%b"}\n' % (body, digest.hex().encode())


def seal_redacted(body: bytes, now: bytes, digest: bytes) -> bytes:
    """The line of what is left of an event: the digest of what stands there now, and the one it was written with."""
    return seal(b'%b%b%b"' % (body, REDACTED_KEY, now.hex().encode()), digest)


def pruned_body(offset: int) -> bytes:
    """The body of an event of which a compaction left only the digest."""
    return b'{"offset":%d' % offset


def split_redacted(body: bytes) -> tuple[bytes, bytes | None]:
    """What stands before the digest of a redacted line, and that digest; None where the line is not redacted."""
    tail = body[-REDACTED_SIZE:]
    if not tail.startswith(REDACTED_KEY) or not tail.endswith(b'"'):
        return body, None
    text = tail[len(REDACTED_KEY) : -1]
    return (body[:-REDACTED_SIZE], bytes.fromhex(text.decode())) if HEX_DIGEST.fullmatch(text) else (body, None)


def split(line: bytes, number: int, offset: int) -> tuple[bytes, bytes]:
    """Body and hex digest of a line (its newline may be gone)."""
    line = line.removesuffix(b"\n")
    if line[-TAIL_SIZE : -TAIL_SIZE + len(DIGEST_KEY)] != DIGEST_KEY or not line.endswith(b'"}'):
        raise DigestMismatch("a line ends with its digest", line=number, offset=offset)
    return line[:-TAIL_SIZE], line[-TAIL_SIZE + len(DIGEST_KEY) : -2]


def canonical(data: Any) -> bytes:
    """JSON as this format writes it: no spaces, UTF-8, finite numbers, shortest floats."""
    return _encode(data).encode()


def _encoder() -> Callable[[Any], str]:
    """What ``JSONEncoder.encode`` does, with the C encoder made once, not at every call: half the time of an event."""
    plain = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    make: Any = getattr(json.encoder, "c_make_encoder", None)
    if make is None:  # a Python without it
        return plain.encode
    text: Any = json.encoder.encode_basestring
    encode = make(None, plain.default, text, None, ":", ",", False, False, False)
    return lambda data: "".join(encode(data, 0))


_encode = _encoder()
