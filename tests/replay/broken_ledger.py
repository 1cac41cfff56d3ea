"""A ledger to be broken by hand: a short valid log, and lines sealed with the right digests around anything."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from ledger import Header, ManualClock, canonical, chain_digest
from ledger.header import seal, split
from vectordb import Bool, Category, Float, Int, Text, Timestamp, Vector, VectorDB

FEATURES = {
    "age": Int(),
    "score": Float(),
    "name": Text(max_bytes=16),
    "city": Category(),
    "ok": Bool(),
    "seen": Timestamp(),
    "face": Vector(2, metric="cosine"),
}
PLACES = {name: place for place, name in enumerate(FEATURES)}


def database() -> VectorDB:
    """Three events: a view and two rows."""
    clock = ManualClock("2026-03-01T00:00:00Z")
    db = VectorDB(clock=clock, seed=77)
    users = db.create_view("users", entity="user", features=FEATURES)
    clock.advance(1)
    users.put("ann", {"age": 41, "score": 0.5, "city": "Rome"})
    clock.advance(1)
    users.put("bob", {"age": 19, "name": "Bob"})
    clock.advance(1)
    return db


def lines_of(db: VectorDB) -> list[bytes]:
    """The lines of a database's file, the header first."""
    return [db.state.journal.line(offset) for offset in range(db.head + 1)]


@dataclass
class Broken:
    """Lines, and the error that they must give: its code, line and offset."""

    lines: list[bytes]
    code: str
    line: int
    offset: int
    why: str = field(default="")

    @property
    def error(self) -> dict[str, Any]:
        return {"code": self.code, "line": self.line, "offset": self.offset, "why": self.why}


class Sealed:
    """The base ledger, going on with events whose digests are right whatever they say."""

    def __init__(self, db: VectorDB | None = None) -> None:
        db = db or database()
        self.header: Header = db.header
        self.lines = lines_of(db)
        self.previous = bytes.fromhex(db.digest())
        self.time = db.event(db.head).time

    @property
    def next_offset(self) -> int:
        return len(self.lines)

    def raw(self, body: bytes) -> Sealed:
        """Add a line of any body."""
        self.previous = chain_digest(bytes.fromhex(self.header.ledger_id), self.previous, body)
        self.lines.append(seal(body, self.previous))
        return self

    def text(self, rest: str, kind: str = "row_put@1") -> Sealed:
        """Add an event of hand-written JSON after its envelope."""
        envelope = f'{{"offset":{self.next_offset},"time":{self.time + 1},"type":"{kind}",'
        return self.raw((envelope + rest).encode("utf-8", "surrogatepass"))

    def event(self, kind: str, fields: dict[str, Any], **envelope: Any) -> Sealed:
        """Add an event of plain data; ``envelope`` may overwrite offset and time."""
        data = {"offset": self.next_offset, "time": self.time + 1, "type": kind, **envelope}
        return self.raw(canonical({**data, **fields})[:-1])

    def put(self, values: dict[str, Any], entity: Any = "cid", **fields: Any) -> Sealed:
        """Add a row of some features in their stored form."""
        places = sorted(PLACES[name] for name in values)
        names = list(PLACES)
        stored = [values[names[place]] for place in places]
        data = {"view": "users@1", "entity": entity, "features": places, "values": stored, **fields}
        return self.event("row_put@1", data)

    def batch(self, name: str, column: Any, rows: int, **fields: Any) -> Sealed:
        """Add a batch of one column in its stored form."""
        ids = [f"u-{row}" for row in range(rows)]
        data = {"view": "users@1", "entities": ids, "features": [PLACES[name]], "columns": [column], **fields}
        return self.event("rows_put@1", data)

    def broken(self, code: str = "InvalidEvent", why: str = "") -> Broken:
        """What the last line must give."""
        return Broken(self.lines, code, len(self.lines), len(self.lines) - 1, why)


def body_of(line: bytes) -> dict[str, Any]:
    """The data of a line, without its digest."""
    body, _ = split(line, 0, 0)
    data: dict[str, Any] = json.loads(body + b"}")
    return data


def sealed_header(**changes: Any) -> bytes:
    """The base header with some fields changed, its digest right."""
    from hashlib import sha256

    body = canonical({**body_of(lines_of(database())[0]), **changes})[:-1]
    return seal(body, sha256(b"\0" + body).digest())
