"""Checkpoints that lie, every length and hash made for the lie: they cost a replay and no more."""

from __future__ import annotations

import json
import struct
import tracemalloc
from collections.abc import Callable
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from vectordb import Vector, VectorDB


@pytest.fixture(scope="module")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """A ledger with an index, and its checkpoint."""
    folder = tmp_path_factory.mktemp("checkpoint")
    with closing(VectorDB.open(folder / "ledger.jsonl")) as db:
        view = db.create_view("v", entity="e", features={"x": Vector(4)})
        rows = [[1.0, number / 300, number % 7, number % 11] for number in range(300)]
        view.put_many({"e": [f"e{number}" for number in range(300)], "x": rows})
        for number in range(20):
            view.put(f"e{number}", {"x": [2.0, number, 1, 1]})
        view.index("x").build()
        db.checkpoint(folder / "good")
    return folder / "ledger.jsonl", (folder / "good").read_bytes()


def lying(data: bytes, change: Callable[[dict[str, Any], list[bytes]], None]) -> bytes:
    """The checkpoint with the field's head and blobs changed, and every length and hash made for them."""
    line, _, rest = data.partition(b"\n")
    head, dumps, start = json.loads(line), [], 0
    for item in head["projections"]:
        dumps.append(rest[start : start + item["bytes"]])
        start += item["bytes"]
    place = [item["name"] for item in head["projections"]].index("vectors")
    outer, field = _taken_apart(dumps[place])
    inner, blobs = _taken_apart(field)
    parts, at = [], 0
    for size in inner["sizes"]:
        parts.append(blobs[at : at + size])
        at += size
    change(inner, parts)
    inner["sizes"] = inner.get("lie") or [len(part) for part in parts]
    field = _joined(inner, b"".join(parts))
    dumps[place] = _joined({**outer, "sizes": [len(field)]}, field)
    for item, dump in zip(head["projections"], dumps):
        item.update(bytes=len(dump), sha256=sha256(dump).hexdigest())
    return json.dumps(head).encode() + b"\n" + b"".join(dumps) + rest[start:]


def _taken_apart(dump: bytes) -> tuple[dict[str, Any], bytes]:
    start = 8 + int.from_bytes(dump[:8], "little")
    return json.loads(dump[8:start]), dump[start:]


def _joined(head: dict[str, Any], rest: bytes) -> bytes:
    text = json.dumps(head).encode()
    return len(text).to_bytes(8, "little") + text + rest


def _first_segment(head: dict[str, Any], **changes: Any) -> None:
    head["index"]["segments"][0][0].update(changes)


def _forgotten(head: dict[str, Any], parts: list[bytes]) -> None:
    head["count"] = 1 << 40
    parts[2] = b"\2" * len(parts[2])


LIES: dict[str, Callable[[dict[str, Any], list[bytes]], None]] = {
    "planes without end": lambda head, parts: _first_segment(head, planes=10**15, sealed=0, pending=10**15),
    "lanes that wait without end": lambda head, parts: _first_segment(head, pending=10**12),
    "a count beyond the log": lambda head, parts: head.update(count=1 << 40),
    "a run of forgotten ones": _forgotten,
    "a lane beyond the count": lambda head, parts: parts.__setitem__(5, struct.pack("<q", 1 << 40)),
    "a lane below zero": lambda head, parts: parts.__setitem__(5, struct.pack("<q", -5)),
    "blobs of other sizes": lambda head, parts: head.update(lie=[1 << 62] * len(parts)),
    "blobs of no size": lambda head, parts: head.update(lie=[-(1 << 40)] * len(parts)),
    "references to nowhere": lambda head, parts: parts.__setitem__(1, struct.pack("<q", 1 << 60) * len(parts[2])),
}


def test_the_checkpoint_that_tells_the_truth_is_used(vectors: tuple[Path, bytes], tmp_path: Path) -> None:
    (tmp_path / "same").write_bytes(lying(vectors[1], lambda head, parts: None))
    with closing(VectorDB.open(vectors[0], checkpoint=tmp_path / "same")) as db:
        assert db.opened.checkpoint == db.head
        db.check()


@pytest.mark.parametrize("name", LIES)
def test_a_checkpoint_that_lies_costs_a_replay_and_no_more(
    name: str, vectors: tuple[Path, bytes], tmp_path: Path
) -> None:
    (tmp_path / "lie").write_bytes(lying(vectors[1], LIES[name]))
    tracemalloc.start()
    with closing(VectorDB.open(vectors[0], checkpoint=tmp_path / "lie")) as db:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert db.opened.checkpoint == 0 and peak < 50e6
        db.check()


@pytest.mark.parametrize("size", [1 << 62, -1, 10**400, 1e999, "x", None, True])
def test_a_head_that_says_any_size_is_no_checkpoint(size: Any, vectors: tuple[Path, bytes], tmp_path: Path) -> None:
    line, _, rest = vectors[1].partition(b"\n")
    head = json.loads(line)
    head["projections"][0]["bytes"] = size
    (tmp_path / "lie").write_bytes(json.dumps(head).encode() + b"\n" + rest)
    with closing(VectorDB.open(vectors[0], checkpoint=tmp_path / "lie")) as db:
        assert db.opened.checkpoint == 0
