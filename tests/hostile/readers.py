"""Every reader of bytes from outside: what is in good order, what it may raise, and what must hold if it does not.

``try_bytes`` is the judge: a named error with its place, or a state that is sound; anything else is a fault.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Final

from ledger import (
    DamagedLog,
    Header,
    ModelDefinition,
    chain_digest,
    parse_version,
    read_header,
    seal_line,
    spans_of,
)
from ledger.header import pruned_body, seal, seal_redacted, split, split_redacted
from tests.hostile.mutations import FILE, TEXT, mutated
from tests.replay.fixtures import EVENTS, V1, folders
from tests.vectordb.audit.cases import lineage, small
from tests.vectordb.audit.test_bundle import forged
from vectordb import (
    InvalidInput,
    InvalidProof,
    InvalidVersion,
    StoreError,
    VectorDB,
    VectorDBError,
    parse_tree_head,
    verify_bundle,
)
from vectordb.models import build_model
from vectordb.transforms import loads

STORIES: Final = tuple(name for name in folders(V1) if name != "digits")  # that one is long: see ``tests.bench.fuzz``


@dataclass(frozen=True)
class Reader:
    """``samples`` in good order, how they are mutated, how they are read, and the errors that are answers."""

    samples: Callable[[], list[bytes]]
    mutate: Callable[[Random, bytes], bytes]
    read: Callable[[bytes, Path], None]
    errors: tuple[type[Exception], ...]


def try_bytes(name: str, data: bytes, folder: Path) -> str:
    """What a reader says to bytes: the error's name, or "read"."""
    reader = READERS[name]
    try:
        reader.read(data, folder)
    except reader.errors as error:
        if isinstance(error, DamagedLog):
            assert type(error.values.get("line")) is int and type(error.values.get("offset")) is int, error
        assert len(str(error)) < 5_000, "an error is no copy of the file"
        return type(error).__name__
    return "read"


# -- ledgers -----------------------------------------------------------------------------------------


@cache
def ledgers() -> list[bytes]:
    return [(V1 / name / EVENTS).read_bytes() for name in STORIES]


@cache
def _digests() -> dict[bytes, int]:
    """Which story wrote a digest, at which offset."""
    lines = [line for data in ledgers() for line in data.splitlines()]
    return {line[-66:-2]: number for number, line in enumerate(lines)}


def read_ledger(data: bytes, folder: Path) -> None:
    """Bytes without right digests: whole lines of a story are read, and nothing else."""
    path = folder / "ledger.jsonl"
    path.write_bytes(data)
    db = VectorDB.replay(path)
    assert db.digest().encode() in _digests(), "a state that nobody wrote"


def read_sealed(data: bytes, folder: Path) -> None:
    """Lines with right digests around anything: what is read is sound."""
    path = folder / "sealed.jsonl"
    path.write_bytes(data)
    db = VectorDB.replay(path)
    db.check()
    for offset in (db.head // 2, db.head):
        if offset >= db.state.log.pruned:
            db.as_of(offset)
    for prediction in db.predictions():
        if prediction.as_of >= db.state.log.pruned:
            db.reproduce(prediction.id)
    try:
        db.state.journal.check_wording()
    except DamagedLog as error:
        assert "worded" in error.rule


def sealed(data: bytes) -> bytes:
    """The same bodies with digests made for them; a line that was rewritten keeps its first digest."""
    header, *lines = data.splitlines(keepends=True)
    spans = iter([*spans_of(read_header(header))[1:], None])
    first = spans_of(read_header(header))[0]
    ledger_id, previous, after = first.ledger_id, first.genesis, next(spans)
    made = [header]
    for offset, line in enumerate(lines, 1):
        if after is not None and offset == after.first:
            ledger_id, previous, after = after.ledger_id, after.genesis, next(spans)
        body, before, now = _parts(line, offset)
        if before is None or (now is None and body != pruned_body(offset)):
            previous = chain_digest(ledger_id, previous, body)
            made.append(seal(body, previous))
        else:
            left = chain_digest(ledger_id, previous, body)
            previous = before
            made.append(seal(body, before) if now is None else seal_redacted(body, left, before))
    return b"".join(made)


def _parts(line: bytes, offset: int) -> tuple[bytes, bytes | None, bytes | None]:
    """Body, first digest, and the digest of what is left; a line without a digest is all body."""
    try:
        outer, text = split(line, offset + 1, offset)
        body, now = split_redacted(outer)
        return body, bytes.fromhex(text.decode()), now
    except (DamagedLog, ValueError):
        return line.rstrip(b"\n").removesuffix(b"}"), None, None


OFFSET: Final = re.compile(rb'^{"offset":[0-9]+')


def mutate_sealed(random: Random, data: bytes) -> bytes:
    """A body changed, or that of another line or story in its place; and digests made for all."""
    lines = data.splitlines(keepends=True)
    number = random.randrange(1, len(lines))
    body, before, now = _parts(lines[number], number)
    if random.random() < 0.3:
        others = random.choice([lines, random.choice(ledgers()).splitlines(keepends=True)])
        other, _, _ = _parts(random.choice(others[1:]), 1)
        changed = OFFSET.sub(b'{"offset":%d' % number, other)
    else:
        changed = mutated(random, body, TEXT).replace(b"\n", b"")
    lines[number] = seal(changed, before or bytes(32)) if now is None else seal_redacted(changed, now, before or b"")
    return sealed(b"".join(lines))


def read_header_line(data: bytes, folder: Path) -> None:
    """A first line with its right digest: it comes back as it was written."""
    body = data.rstrip(b"\n")
    found: Header = read_header(seal(body, sha256(b"\0" + body).digest()))
    assert found.body() == body


def headers() -> list[bytes]:
    return [split(data.splitlines(keepends=True)[0], 1, 0)[0] for data in ledgers()]


# -- followers ---------------------------------------------------------------------------------------


def read_following(data: bytes, folder: Path) -> None:
    """Half a ledger is open, and its second half arrives damaged: what was read stays, also after the refusal."""
    path = folder / "followed.jsonl"
    whole = ledgers()[0].splitlines(keepends=True)
    half = b"".join(whole[: len(whole) // 2])
    path.write_bytes(half)
    with closing(VectorDB.open(path, read_only=True)) as db:
        head, digest = db.head, db.digest()
        with open(path, "ab") as file:
            file.write(data)
        lag = db.lag()
        assert lag.events >= 0 and lag.seconds >= 0
        try:
            db.refresh()
        finally:
            assert db.head >= head and db.digest(head) == digest
            db.check()


def second_half() -> list[bytes]:
    lines = ledgers()[0].splitlines(keepends=True)
    return [b"".join(lines[len(lines) // 2 :])]


# -- checkpoints -------------------------------------------------------------------------------------


@cache
def checkpointed(folder: Path, vectors: bool) -> tuple[Path, bytes]:
    """A ledger and the bytes of its checkpoint."""
    name = "all_types" if vectors else "experiment"
    path = folder / f"{name}.jsonl"
    path.write_bytes((V1 / name / EVENTS).read_bytes())
    with closing(VectorDB.open(path)) as db:
        db.checkpoint(folder / "good")
    return path, (folder / "good").read_bytes()


def read_checkpoint(data: bytes, folder: Path) -> None:
    """Loaded, or replayed as if there were none: the process goes on, and the ledger is the ledger."""
    path, _ = checkpointed(folder, data.startswith(b"v"))
    (folder / "checkpoint").write_bytes(data[1:])
    with closing(VectorDB.open(path, checkpoint=folder / "checkpoint")) as db:
        if not db.opened.checkpoint:
            db.check()


def checkpoints() -> list[bytes]:
    raise NotImplementedError  # they need a folder: see ``samples_of``


def mutate_checkpoint(random: Random, data: bytes) -> bytes:
    """Any bytes changed; or those of a dump, with a hash made for them: a checkpoint that lies."""
    kind, data = data[:1], data[1:]
    if random.random() < 0.3:
        return kind + mutated(random, data, FILE)
    line, _, rest = data.partition(b"\n")
    head, dumps, start = json.loads(line), [], 0
    items = [*head["projections"], head["log"]]
    for item in items:
        dumps.append(rest[start : start + item["bytes"]])
        start += item["bytes"]
    place = random.randrange(len(dumps))
    dumps[place] = mutated(random, dumps[place], TEXT)
    for item, dump in zip(items, dumps):
        item.update(bytes=len(dump), sha256=sha256(dump).hexdigest())
    return kind + json.dumps(head).encode() + b"\n" + b"".join(dumps)


# -- kits, bundles and proofs ------------------------------------------------------------------------


@cache
def kits() -> list[bytes]:
    return [db.audit.kit(prediction).raw for db, prediction in (small(), lineage())]


def read_kit_file(data: bytes, folder: Path) -> None:
    path = folder / "kit.jsonl"
    path.write_bytes(data)
    VectorDB.replay(path).audit.verify()


def mutate_kit(random: Random, data: bytes) -> bytes:
    """Half of them with a right seal."""
    changed = mutated(random, data, FILE)
    if random.random() < 0.5:
        return changed
    body = b"".join(changed.splitlines(keepends=True)[:-1])
    return body + seal_line(body)


@cache
def bundles() -> list[bytes]:
    """Two as they travel, and the events of two logs, of which a bundle is made with right digests and proofs."""
    found, rows = [], []
    for db, prediction in (small(), lineage()):
        bundle = db.audit.bundle(prediction)
        found.append(bundle)
        events = [json.loads(db.state.journal.line(offset)) for offset in range(1, bundle["prediction"]["offset"] + 1)]
        for event in events:
            del event["offset"], event["time"], event["digest"]
        rows.append([*events, bundle["prediction"]])
    return [json.dumps(one).encode() for one in (*found, *rows)]


def read_bundle(data: bytes, folder: Path) -> None:
    """As somebody reads it who got it as JSON; one that is no JSON never comes so far."""
    try:
        bundle = json.loads(data)
        if isinstance(bundle, list):
            *rows, prediction = bundle
            bundle = {**forged(rows), "prediction": prediction}
    except (ValueError, TypeError, LookupError, RecursionError):
        return
    verify_bundle(bundle)


@cache
def tree_heads() -> list[bytes]:
    return [small()[0].audit.tree_head().encode()]


def read_tree_head(data: bytes, folder: Path) -> None:
    text = data.decode("utf-8", "surrogateescape")
    assert parse_tree_head(text).text() == text


# -- definitions -------------------------------------------------------------------------------------


@cache
def pipelines() -> list[bytes]:
    from tests.vectordb.transforms.test_registry import TRANSFORMERS, dumps, example

    return [dumps(example(name)[0]).encode() for name in sorted(TRANSFORMERS)]


def read_pipeline(data: bytes, folder: Path) -> None:
    made = loads(data)
    assert loads(json.dumps(made.to_dict())).to_dict() == made.to_dict()


@cache
def models() -> list[bytes]:
    linear = {"features": ["a", "b"], "coefficients": [0.5, -1], "intercept": 0.25}
    many = {"features": ["a"], "coefficients": [[0.5], [2]], "intercept": [0, 1.5]}
    tree = {"features": ["a", "b"], "feature": [1, 0, 0], "threshold": [0.5, 0, 0], "left": [1, -1, -1],
            "right": [2, -1, -1], "value": [0, [1, 2.5], 3]}  # fmt: skip
    kinds = (("linear", linear), ("logistic", linear), ("linear", many), ("logistic", many), ("tree", tree))
    return [json.dumps({"kind": kind, "parameters": parameters}).encode() for kind, parameters in kinds]


def read_model(data: bytes, folder: Path) -> None:
    """As plain data from anywhere; what was built answers every row, or refuses it."""
    try:
        told = json.loads(data)
        definition = ModelDefinition("m", 1, told["kind"], told["parameters"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return
    if not isinstance(definition.parameters, dict):
        return
    model = build_model(definition)
    model.predict({"a": 1, "b": 2.0})
    for row in ({"a": 1e308, "b": -1e308}, {"a": True, "b": 0}, {"a": "x", "b": None}):
        try:
            model.predict(row)
        except InvalidInput:
            continue


def versions() -> list[bytes]:
    return [b"drivers/d-7@42.3", b'drivers/["eu",7]@1', b'drivers/"7"@9', b"drivers/-7@12.1"]


def read_version(data: bytes, folder: Path) -> None:
    text = data.decode("utf-8", "surrogateescape")
    assert parse_version(text).offset > 0


# -- all ---------------------------------------------------------------------------------------------


def _as_file(random: Random, data: bytes) -> bytes:
    return mutated(random, data, FILE)


def _as_text(random: Random, data: bytes) -> bytes:
    return mutated(random, data, TEXT)


READERS: Final[dict[str, Reader]] = {
    "ledger": Reader(ledgers, _as_file, read_ledger, (DamagedLog,)),
    "sealed ledger": Reader(ledgers, mutate_sealed, read_sealed, (DamagedLog,)),
    "header": Reader(headers, _as_text, read_header_line, (DamagedLog,)),
    "followed ledger": Reader(second_half, _as_file, read_following, (DamagedLog, StoreError)),
    "checkpoint": Reader(checkpoints, mutate_checkpoint, read_checkpoint, ()),
    "kit": Reader(kits, mutate_kit, read_kit_file, (DamagedLog,)),
    "bundle": Reader(bundles, _as_text, read_bundle, (InvalidProof,)),
    "tree head": Reader(tree_heads, _as_text, read_tree_head, (InvalidInput,)),
    "pipeline": Reader(pipelines, _as_text, read_pipeline, (InvalidInput,)),
    "model": Reader(models, _as_text, read_model, (VectorDBError,)),
    "version id": Reader(versions, _as_text, read_version, (InvalidVersion,)),
}


def samples_of(name: str, folder: Path) -> list[bytes]:
    """What a reader is given in good order."""
    if name == "checkpoint":
        return [kind + checkpointed(folder, kind == b"v")[1] for kind in (b"v", b"e")]
    return READERS[name].samples()


def inputs_of(name: str, seed: int, folder: Path) -> Iterator[bytes]:
    """Endless mutations for a reader, the same at every run of a seed."""
    random = Random(f"{name} {seed}")
    samples = samples_of(name, folder)
    while True:
        yield READERS[name].mutate(random, random.choice(samples))
