"""Ledgers to work on: a small one with every type of fact, and lines crafted with right digests."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ledger import FACTS, Header, ManualClock, chain_digest, new_header
from ledger.header import seal, split
from vectordb import Bool, Category, Float, Int, Request, Text, Timestamp, Vector, VectorDB
from vectordb.testing import state_of
from vectordb.transforms import StandardScaler

START = "2026-01-01T00:00:00Z"
SEED = 7
REWRITING = {"entity_erased", "log_compacted", "redacted", "pruned"}  # what only erasures and compactions leave


def fill(db: VectorDB, clock: ManualClock) -> VectorDB:
    """Write at least one event of every type of fact."""
    users = db.create_view("users", entity="user", ttl=86_400, owner="ml", tags=["eu"], features={
        "age": Int(default=0), "rate": Float(), "city": Category(), "bio": Text(),
        "ok": Bool(), "seen": Timestamp(), "face": Vector(2, metric="euclidean")})  # fmt: skip
    clock.advance(1)
    first = users.put("u1", {"age": 3, "rate": 2.5, "city": "Røm", "bio": "é", "ok": True, "seen": 5, "face": [1, 2]})
    clock.advance(0.5)
    users.put_many({"user": ["u2", 3, ("a", 1)], "age": [1, None, 2], "rate": [0.1, -0.0, 1e300]}, event_time=9)
    users.put("u1", {"rate": 4.0}, event_time=20, derived_from=first.versions, idempotency_key="k", actor="etl")
    users.delete("u2")
    with db.transaction(actor="job", tags=["t"]) as tx:
        tx.view("users").put("u4", {"age": 1})
        tx.view("users").delete(3)
    db.create_service("ranker", features=["users:rate", Request("km", Float())])
    db.create_model("risk", "linear", features=["rate", "km"], coefficients=[1.0, 2.0], intercept=0.5)
    db.record_prediction(db.service("ranker").get("u1", request={"km": 2.0}), model="risk")
    db.create_service("scaled", features=["users:rate"], pipeline=StandardScaler()).fit()
    trial = db.create_experiment("trial", arms={"a": 0.5, "b": 0.5}, unit="user", metrics={"spent": "sum"})
    trial.expose_many(["u1", 3])
    trial.record("u1", "spent", 2.5, event_time=30)
    db.mark("release")
    moments = {"user": ["u1", 3], "time": [40, 50], "km": [1.0, 2.0], "label": [0, 1]}
    db.record_training_set("march", db.service("ranker").training_set(moments), model="risk")
    written = {event.type for event in db.events()}
    assert written == {fact.type for fact in FACTS} - REWRITING, "the sample has every type of fact"
    return db


def sample(path: Path) -> list[bytes]:
    """Write the sample to a file; its lines."""
    clock = ManualClock(START)
    with VectorDB.open(path, clock=clock, seed=SEED) as db:
        fill(db, clock)
    return path.read_bytes().splitlines(keepends=True)


def counter(path: Path, events: int, **options: Any) -> VectorDB:
    """An open ledger with one view and ``events`` events in all; the clock stands still."""
    db = VectorDB.open(path, clock=ManualClock(START), seed=SEED, **options)
    numbers = db.create_view("numbers", entity="number", features={"n": Int()})
    for number in range(2, events + 1):
        numbers.put(f"e{number}", {"n": number})
    return db


def reopened(path: Path, **options: Any) -> VectorDB:
    """The ledger of a path, with the clock of the samples."""
    return VectorDB.open(path, clock=ManualClock("2026-01-01T00:01:00Z"), **options)


def told(db: VectorDB) -> dict[str, Any]:
    """What a database shows at its head and at every offset before it."""
    states = [state_of(db.as_of(offset)) for offset in range(db.head + 1)]
    digests = [db.digest(offset) for offset in range(db.head + 1)]
    predictions = [(found.id, dict(found.inputs), found.output) for found in db.predictions()]
    trials = [(db.experiment(name).exposures(), db.experiment(name).history()) for name in db.experiments()]
    return {
        "live": state_of(db),
        "states": states,
        "digests": digests,
        "predictions": predictions,
        "experiments": trials,
    }


class Forger:
    """Writes lines with right digests: what a damaged or hostile writer could leave."""

    def __init__(self, header: Header | None = None) -> None:
        self.header = header or new_header(1_767_225_600_000_000, seed=SEED)
        self.lines = [self.header.line()]
        self.previous = self.header.digest

    @classmethod
    def after(cls, header: Header, lines: list[bytes]) -> Forger:
        """One that goes on after the lines of a ledger."""
        forger = cls(header)
        forger.lines = list(lines)
        forger.previous = bytes.fromhex(split(lines[-1], 1, 1)[1].decode())
        return forger

    def add(self, body: bytes) -> Forger:
        """A line of this body (all of it but its digest)."""
        self.previous = chain_digest(bytes.fromhex(self.header.ledger_id), self.previous, body)
        self.lines.append(seal(body, self.previous))
        return self

    def event(self, kind: str, fields: str, time: int = 1_767_225_700_000_000) -> Forger:
        """A line of the next offset; ``fields`` is JSON text without braces."""
        text = f'{{"offset":{len(self.lines)},"time":{time},"type":"{kind}"{"," if fields else ""}{fields}'
        return self.add(text.encode("utf-8", "surrogatepass"))

    def save(self, path: Path) -> Path:
        """Write the lines to a file."""
        path.write_bytes(b"".join(self.lines))
        return path


VIEW = '"definition":' + json.dumps({
    "name": "users", "version": 1, "entity": "user", "features": [
        {"name": "age", "type": "int"}, {"name": "rate", "type": "float"}, {"name": "city", "type": "category"},
        {"name": "face", "type": "vector", "dim": 2, "metric": "euclidean", "dtype": "float32"}]},
    separators=(",", ":"))  # fmt: skip


def forge(kind: str, fields: str, path: Path) -> Path:
    """A ledger of one view, users, and one crafted event after it."""
    return Forger().event("view_defined@1", VIEW).event(kind, fields).save(path)


class ListStore:
    """A store over a list of bytes: the naive judge of the store contract, and fast to damage."""

    def __init__(self, data: bytes = b"", batch: int = 1 << 20) -> None:
        self.data = data
        self.end = 0
        self.batch = batch
        self.closed = False

    @property
    def writable(self) -> bool:
        return not self.closed

    follows = False

    def after(self, position: int, line: bytes) -> int:
        return position + len(line)

    def ahead(self, position: int) -> tuple[int, bytes]:
        lines = [line for _, some in ListStore(self.data).read(position) for line in some]
        return len(lines), lines[0] if lines else b""

    def append(self, line: bytes, expected_head: int = 0) -> int:
        position = len(self.data)
        self.data += line
        self.end = len(self.data)
        return position

    def read(self, position: int = 0) -> Iterator[tuple[int, list[bytes]]]:
        lines = [line + b"\n" for line in self.data[position:].split(b"\n")[:-1]]
        while lines:
            some, lines = lines[: self.batch], lines[self.batch :]
            yield position, some
            position += len(b"".join(some))
            self.end = max(self.end, position)

    def line(self, position: int) -> bytes:
        return self.data[position : self.data.index(b"\n", position) + 1]

    def tail(self) -> bytes:
        return self.data[self.end :]

    def truncate(self, position: int) -> None:
        self.data = self.data[:position]
        self.end = position

    def sync(self) -> None: ...

    def close(self) -> None:
        self.closed = True


class Once:
    """Calls a function, and raises one error at the n-th call: before it or after it."""

    def __init__(self, function: Callable[..., Any], error: BaseException, call: int = 1, after: bool = False) -> None:
        self.function, self.error, self.call, self.after = function, error, call, after
        self.calls = 0

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        self.calls += 1
        if self.calls == self.call and not self.after:
            raise self.error
        answer = self.function(*arguments, **named)
        if self.calls == self.call:
            raise self.error
        return answer

    def __get__(self, instance: Any, owner: Any) -> Callable[..., Any]:
        return lambda *arguments, **named: self(instance, *arguments, **named)
