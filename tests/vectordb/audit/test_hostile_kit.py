"""A kit that somebody made up, with every digest, the root and the seal right, is refused by name or is a database."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from ledger import CompactTree, canonical, chain_digest, omitted_line, read_header, seal_line
from ledger.chain import spans_of
from ledger.header import seal
from ledger.proofs.merkle import blocks
from ledger.proofs.verification import leaf_hash
from tests.vectordb.audit.cases import lineage, small, wide
from vectordb import DamagedLog, VectorDB, VectorDBError

Lines = tuple[dict[str, Any], bytes, list[Any]]
OTHERS: list[Any] = [None, True, 0, -1, 1.0, -0.0, "", "d", [], {}, [[2, 0]], 10**30, 1e308, "v@1", [["a"]], "AAAA"]


def taken(raw: bytes) -> Lines:
    """Title, header and lines of a kit; a line of the ledger as data, a run as its bytes."""
    title, header, *lines = raw.splitlines(keepends=True)[:-1]
    parsed = [line if line.startswith((b'{"omitted"', b'{"after"')) else json.loads(line) for line in lines]
    return json.loads(title), header, parsed


def resealed(title: dict[str, Any], header: bytes, lines: list[Any]) -> bytes:
    """The kit of these lines, with digests, root and seal made for them."""
    span, tree, previous, written = spans_of(read_header(header))[0], CompactTree(), b"", []
    for line in lines:
        if isinstance(line, bytes):
            run = json.loads(line)
            first, last = run.get("omitted") or run["after"]
            for text, (height, _) in zip(run["hashes"], blocks(first - 1, last - ("omitted" in run)), strict=True):
                tree.add(bytes.fromhex(text), height)
            if "digest" in run:
                previous = bytes.fromhex(run["digest"])
                tree.add(leaf_hash(previous))
            written.append(line)
        else:
            body = canonical({key: value for key, value in line.items() if key != "digest"})[:-1]
            previous = chain_digest(span.ledger_id, previous if tree.size else span.genesis, body)
            tree.add(leaf_hash(previous))
            written.append(seal(body, previous))
    body = b"".join([canonical({**title, "size": tree.size, "root": tree.root().hex()}) + b"\n", header, *written])
    return body + seal_line(body)


def places(data: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    found = [at] if at else []
    for key, value in items:
        found += places(value, (*at, key))
    return found


def change(random: Random, part: Any) -> None:
    *way, last = random.choice(places(part))
    for key in way:
        part = part[key]
    if isinstance(part, dict) and random.random() < 0.2:
        del part[last]
    else:
        part[last] = random.choice(OTHERS)


def kits() -> list[Lines]:
    ledgers = [small(), lineage(), *((wide()[0], prediction) for prediction in wide()[1])]
    return [taken(db.audit.kit(prediction).raw) for db, prediction in ledgers]


def test_any_other_value_is_refused_by_name_or_read(tmp_path: Path) -> None:
    path, known = tmp_path / "kit.jsonl", kits()
    for title, header, lines in known:
        path.write_bytes(resealed(title, header, lines))
        VectorDB.replay(path)
    for seed in range(250):
        random = Random(seed)
        title, header, lines = copy.deepcopy(random.choice(known))
        for _ in range(random.randint(1, 2)):
            change(random, random.choice([title, *(line for line in lines if isinstance(line, dict))]))
        path.write_bytes(resealed(title, header, lines))
        try:
            found = VectorDB.replay(path)
        except VectorDBError:
            continue
        found.audit.verify()


@pytest.mark.parametrize("time", ["1", None, [1], 1.5, -(10**30), 10**30])
def test_a_time_that_is_none_is_damage(time: Any, tmp_path: Path) -> None:
    title, header, lines = kits()[0]
    next(line for line in lines if isinstance(line, dict))["time"] = time
    (tmp_path / "kit.jsonl").write_bytes(resealed(title, header, lines))
    with pytest.raises(DamagedLog):
        VectorDB.replay(tmp_path / "kit.jsonl")


def test_a_run_is_no_longer_than_a_ledger_can_be(tmp_path: Path) -> None:
    title, header, lines = kits()[0]
    kept = [line for line in lines if isinstance(line, dict) or b'"after"' not in line]
    last, first = kept.pop(), kept[-1]["offset"] + 1
    for stop, passes in ((1 << 20, True), (1 << 38, False)):
        hashes = [bytes(32)] * len(blocks(first - 1, stop - 1))
        run = omitted_line(first, stop, hashes, bytes(32))
        told = {**title, "prediction": [stop + 1, 0], "predictions": [[stop + 1, 0]]}
        (tmp_path / "kit.jsonl").write_bytes(resealed(told, header, [*kept, run, {**last, "offset": stop + 1}]))
        if passes:
            assert VectorDB.replay(tmp_path / "kit.jsonl").head == stop + 1
        else:
            with pytest.raises(DamagedLog):
                VectorDB.replay(tmp_path / "kit.jsonl")
