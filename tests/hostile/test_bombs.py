"""A few bytes that ask for much: memory in proportion to the file, time linear in it, whatever it says.

Sizes are such that what is refused here, or bounded, once took minutes or gigabytes.
"""

from __future__ import annotations

import base64
import json
import os
import struct
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from ledger import (
    ROW_BITS,
    DamagedLog,
    DigestMismatch,
    Event,
    Header,
    InvalidInput,
    LogCompacted,
    canonical,
    omitted_line,
    read_header,
)
from ledger.header import MAX_ANCESTORS, Parent, seal, split
from ledger.proofs.merkle import blocks
from ledger.settlement import Settlement
from ledger.times import to_micros
from ledger.values.layouts import MAX_SLOTS
from tests.replay.broken_ledger import Sealed, database
from tests.replay.fixtures import ROOT
from tests.vectordb.audit.cases import small
from tests.vectordb.audit.test_bundle import forged, rows_of
from tests.vectordb.audit.test_hostile_kit import kits, resealed
from vectordb import DefinitionError, Float, InvalidProof, InvalidTime, Vector, VectorDB, verify_bundle
from vectordb.transforms import loads, transformer_from_dict

SECONDS = 8.0  # of the processor; each takes a tenth of it


def replayed(sealed: Sealed, folder: Path) -> tuple[VectorDB, float]:
    """The database and the seconds that it took; its peak of memory is in proportion to the file."""
    path = folder / "bomb.jsonl"
    data = b"".join(sealed.lines)
    path.write_bytes(data)
    tracemalloc.start()
    start = time.process_time()
    try:
        db = VectorDB.replay(path)
        seconds = time.process_time() - start
        assert tracemalloc.get_traced_memory()[1] < 50 * len(data) + 2e6
        return db, seconds
    finally:
        tracemalloc.stop()


def compactions(size: int) -> Sealed:
    """Each hashes the digests of all lines below it."""
    sealed = Sealed()
    for number in range(size):
        sealed.event("log_marked@1", {"name": f"m{number}"})
    digests = b"".join(bytes.fromhex(line[-67:-3].decode()) for line in sealed.lines[1:size])
    told = {"below": size, "pruned": 0, "leaves": sha256(digests).hexdigest(), "lines": [], "digests": ""}
    for _ in range(size):
        sealed.event("log_compacted@1", told)
    return sealed


def null_vectors(size: int) -> Sealed:
    """Fifteen vectors of half a megabyte each, none of them there, in a line of 300 bytes."""
    sealed = Sealed()
    wide = {"name": "v", "type": "vector", "dim": 65_536, "metric": "cosine", "dtype": "float64"}
    features = [{"name": "a", "type": "int"}, wide]
    sealed.event("view_defined@1", {"definition": {"name": "w", "version": 1, "entity": "user", "features": features}})
    columns = [{"list": [1] * 15}, {"list": [None] * 15}]
    for _ in range(size):
        sealed.event("rows_put@1", {"view": "w@1", "entities": [f"u{row}" for row in range(15)], "columns": columns})
    return sealed


def redefinitions(size: int) -> Sealed:
    """A view had many features, and now has one, time and again."""
    sealed = Sealed()
    features = [{"name": f"f{number}", "type": "int"} for number in range(5 * size)]
    for version in range(1, size + 1):
        kept = features if version == 1 else features[version : version + 1]
        definition = {"name": "w", "version": version, "entity": "user", "features": kept}
        sealed.event("view_defined@1", {"definition": definition})
    return sealed


def pipelines(size: int) -> Sealed:
    """Predictions, each through one of many pipelines of their service."""
    sealed = Sealed()
    plain: dict[str, Any] = {"type": "StandardScaler", "parameters": {}}
    definition = {"name": "s", "version": 1, "features": ["users:age"], "pipeline": plain}
    sealed.event("service_defined@1", {"definition": definition})
    said = {"service": "s@1", "as_of": 1, "at": sealed.time, "views": ["users@1"], "rows": 1}
    for version in range(1, size + 1):
        fitted = {"service": said["service"], "version": version, **said, "pipeline": {**plain, "fitted": {"n": 1}}}
        sealed.event("pipeline_fitted@1", {"fitted": fitted})
    row = {"entities": ["ann"], "inputs": [41], "sources": [[2, 0]], "transformed": "0" * 64, "output": 1}
    for _ in range(size):
        read = {"service": "s@1", "as_of": sealed.next_offset - 1, "at": sealed.time, "model": "m", "pipeline": size}
        sealed.event("predictions_recorded@1", {**read, "predictions": [row]})
    return sealed


def experiments(size: int) -> Sealed:
    """An experiment that changes all the time."""
    sealed = Sealed()
    arms = [[f"arm{number}", 0.05] for number in range(20)]
    for version in range(1, size + 1):
        definition = {"name": "x", "version": version, "unit": "user", "arms": arms, "traffic": version % 2 / 2}
        sealed.event("experiment_defined@1", {"definition": definition})
    return sealed


BOMBS: dict[str, tuple[Callable[[int], Sealed], int]] = {
    "compactions": (compactions, 400),
    "null vectors": (null_vectors, 40),
    "redefinitions": (redefinitions, 90),
    "pipelines": (pipelines, 120),
    "experiments": (experiments, 120),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_ledger_takes_memory_in_proportion_and_time_alike(name: str, tmp_path: Path) -> None:
    build, size = BOMBS[name]
    replayed(build(size // 4), tmp_path)  # first uses
    half, full = build(size), build(2 * size)
    _, once = replayed(half, tmp_path)
    db, twice = replayed(full, tmp_path)
    assert db.head == len(full.lines) - 1
    assert twice < max(4.0 * once, 1.0) and twice < SECONDS


def test_nothing_is_kept_of_vectors_that_are_not_there(tmp_path: Path) -> None:
    db, _ = replayed(null_vectors(3), tmp_path)
    assert db.view("w").get("u3")["v"] is None and db.view("w").get("u3")["a"] == 1
    db.check()
    db.state.journal.check_wording()
    with VectorDB() as own:
        view = own.create_view("w", entity="user", features={"v": Vector(3), "x": Float()})
        view.put_many({"user": [f"u{row}" for row in range(40)], "v": [None] * 40, "x": [1.0] * 40})
        view.put_many({"user": ["u1", "u2"], "v": [[1, 2, 3], None]})
        assert view.get("u1")["v"].tolist() == [1, 2, 3] and view.get("u9")["v"] is None
        assert view.search("v", [1, 2, 3], k=5).entities == ["u1"]
        again = VectorDB.replay(own.events())
        assert again.digest() == own.digest() and again.view("w").get("u9").status["v"] == "null"


def test_a_view_has_a_bounded_number_of_features_ever() -> None:
    with VectorDB() as db:
        for start in range(0, MAX_SLOTS, MAX_SLOTS // 2):
            features = {f"f{number}": Float() for number in range(start, start + MAX_SLOTS // 2)}
            db.create_view("w", entity="user", features=features, replace=True)
        with pytest.raises(DefinitionError, match="16384"):
            db.create_view("w", entity="user", features={"more": Float()}, replace=True)
        db.create_view("w", entity="user", features={"f0": Float()}, replace=True)
        db.view("w").put("u", {"f0": 1.5})
        assert db.view("w").get("u")["f0"] == 1.5 and db.head == 4


# -- headers, kits, bundles --------------------------------------------------------------------------


def ancestry(depth: int) -> Header:
    parent = None
    for number in range(depth):
        parent = Parent("0" * 32, "0" * 64, number, "0" * 64, parent)
    return Header("0" * 32, 1, parent)


def test_forks_of_forks_end_somewhere() -> None:
    assert read_header(ancestry(MAX_ANCESTORS).line()) == ancestry(MAX_ANCESTORS)
    parent = Parent("0" * 32, "0" * 64, 0, "0" * 64).to_json()
    deep = canonical(parent).removesuffix(b"null}")
    start = b'{"format":"vectordb-ledger","version":1,"ledger_id":"%b","created":1,"parent":' % (b"0" * 32)
    for depth in (MAX_ANCESTORS + 1, 470, 480, 490, 900, 950, 960, 970, 980, 990, 5_000):
        nested = b"".join(deep.replace(b'"offset":0', b'"offset":%d' % (depth - at)) for at in range(depth))
        body = start + nested + b"null" + b"}" * depth
        with pytest.raises(DamagedLog):
            read_header(seal(body, sha256(b"\0" + body).digest()))


def test_a_fork_beyond_that_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.chain.MAX_ANCESTORS", 5)
    db = VectorDB()
    db.mark("start")
    for number in range(5):
        db = db.fork()
        db.mark(f"m{number}")
    assert read_header(db.header.line()) == db.header
    with pytest.raises(InvalidInput, match="fork of forks"):
        assert db.fork().header


def test_the_header_of_a_kit_is_named_by_its_own_line(tmp_path: Path) -> None:
    title, header, lines = kits()[0]
    body, _ = split(header, 1, 0)
    body = body.replace(b'"created":', b'"created":1e999,"x":')
    raw = resealed(title, header, lines).replace(header, seal(body, bytes(32)))
    raw = raw[: raw.rindex(b'{"sealed"')]
    (tmp_path / "kit.jsonl").write_bytes(raw + canonical({"sealed": sha256(raw).hexdigest()}) + b"\n")
    with pytest.raises(DamagedLog) as refused:
        VectorDB.replay(tmp_path / "kit.jsonl")
    assert (refused.value.values["line"], refused.value.values["offset"]) == (2, 0)


@pytest.mark.parametrize("field", ["size", "prediction", "predictions"])
def test_a_kit_names_no_number_without_end(field: str, tmp_path: Path) -> None:
    title, header, lines = kits()[0]
    raw = resealed(title, header, lines)
    first = json.loads(raw.split(b"\n")[0])
    first[field] = 1e999 if field == "size" else [1e999, 0] if field == "prediction" else [[1, 1e999]]
    body = json.dumps(first).encode() + raw[raw.index(b"\n") : raw.rindex(b'{"sealed"')]
    body = body.replace(b"Infinity", b"1e999")
    (tmp_path / "kit.jsonl").write_bytes(body + canonical({"sealed": sha256(body).hexdigest()}) + b"\n")
    with pytest.raises(DamagedLog) as refused:
        VectorDB.replay(tmp_path / "kit.jsonl")
    assert refused.value.values["line"] == 1


def test_a_kit_of_a_log_of_billions_is_read_in_no_time(tmp_path: Path) -> None:
    title, header, lines = kits()[0]
    kept = [line for line in lines if isinstance(line, dict) or b'"after"' not in line]
    last, first = kept.pop(), kept[-1]["offset"] + 1
    stop = 1 << 31
    run = omitted_line(first, stop, [bytes(32)] * len(blocks(first - 1, stop - 1)), bytes(32))
    told = {**title, "prediction": [stop + 1, 0], "predictions": [[stop + 1, 0]]}
    path = tmp_path / "kit.jsonl"
    path.write_bytes(resealed(told, header, [*kept, run, {**last, "offset": stop + 1}]))
    tracemalloc.start()
    start = time.process_time()
    db = VectorDB.replay(path)
    peak, seconds = tracemalloc.get_traced_memory()[1], time.process_time() - start
    tracemalloc.stop()
    assert db.head == stop + 1 and seconds < SECONDS and peak < 24e6
    assert db.event(stop // 3).type == "event_omitted" and db.event(stop // 3).offset == stop // 3
    assert db.reproduce(db.predictions()[0].id).matches


@pytest.mark.parametrize("offset", ["1e999", '"1"', "1.5", "true", "-1e999"])
def test_the_header_of_a_bundle_has_whole_numbers(offset: str) -> None:
    bundle = forged(rows_of())
    parent = f'{{"ledger_id":"00","genesis":"{"0" * 64}","offset":{offset},"digest":"00","parent":null}}'
    text = bundle["header"].partition(',"digest"')[0]
    body = text.replace('"parent":null', f'"parent":{parent}').encode()
    bundle["header"] = (body + b',"digest":"%b"}\n' % sha256(b"\0" + body).hexdigest().encode()).decode()
    with pytest.raises(InvalidProof, match="whole numbers"):
        verify_bundle(bundle)


def test_a_line_of_a_bundle_has_no_number_that_is_none() -> None:
    bundle = forged(rows_of(row__output=0.5))
    assert verify_bundle(bundle)["output"] == 0.5
    with pytest.raises(InvalidProof):
        verify_bundle(forged(rows_of(row__output=float("nan"))))


# -- definitions -------------------------------------------------------------------------------------


def fitted(kind: str, width: int, parameters: dict[str, Any], **more: Any) -> dict[str, Any]:
    learnt = {"n_features_in_": width, "feature_names_in_": None, **more}
    return {"type": kind, "parameters": parameters, "fitted": learnt}


def many(parts: int, width: int) -> dict[str, Any]:
    part = fitted("Normalizer", width, {})
    steps = [{"tuple": [f"s{number}", {"transformer": part}]} for number in range(parts)]
    return fitted("Pipeline", width, {"steps": steps})


DEFINITIONS = {
    "products of one feature": fitted("PolynomialFeatures", 1, {"degree": 60_000}, n_output_features_=60_001),
    "products of a huge degree": fitted("PolynomialFeatures", 2**16, {"degree": {"tuple": [10**18, 10**18]}}),
    "a million features": fitted("Binarizer", 2**20, {}),
    "many steps of many": many(20, 2**15),
    "steps within steps": fitted("Pipeline", 9, {"steps": [{"tuple": ["a", {"transformer": many(8, 2**15)}]}]}),
    "a steep spline": fitted("SplineTransformer", 1, {"degree": 5_000}, knots_=[[float(at) for at in range(10_010)]]),
    "a wide hash": fitted("FeatureHasher", 1, {"n_features": 2**31 - 1}),
}


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_definition_of_a_few_bytes_is_refused_at_once(name: str) -> None:
    tracemalloc.start()
    start = time.process_time()
    with pytest.raises(InvalidInput):
        transformer_from_dict(DEFINITIONS[name])
    peak, seconds = tracemalloc.get_traced_memory()[1], time.process_time() - start
    tracemalloc.stop()
    assert seconds < 2.0 and peak < 20e6


@pytest.mark.parametrize("text", [
    '{"type":"StandardScaler","parameters":{"copy":NaN}}', '{"type":"StandardScaler","parameters":{"copy":1e999}}',
    '{"type":"StandardScaler","type":"Binarizer","parameters":{}}',
    '{"type":"StandardScaler","parameters":{},"parameters":{}}',
])  # fmt: skip
def test_a_stored_pipeline_says_one_thing(text: str) -> None:
    with pytest.raises(InvalidInput):
        loads(text)


@pytest.mark.parametrize(("text", "micros"), [
    ("1e-999999999", 0), ("-1e-999999999", -1), ("0e999999999", 0), ("0e-999999999", 0), ("-0e9999", 0),
    ("1.5", 1_500_000),
])  # fmt: skip
def test_a_decimal_of_any_exponent_is_a_time_at_once(text: str, micros: int) -> None:
    assert to_micros(Decimal(text)) == micros


@pytest.mark.parametrize("text", ["1e999999999", "-1e999999999", "1e500", "1e20"])
def test_a_decimal_beyond_the_years_is_none(text: str) -> None:
    with pytest.raises(InvalidTime):
        to_micros(Decimal(text))


# -- entities, and followers -------------------------------------------------------------------------


def test_references_keep_their_bits() -> None:
    """A version id names offset and row exactly, up to the last that there can be."""
    db, prediction = small()
    for text in (f"drivers/d-7@{10**12}", f"drivers/d-7@1.{1 << ROW_BITS}", "drivers/d-7@01", "drivers/d-7@1.00"):
        with pytest.raises(InvalidInput):
            db.version(text)
    assert db.prediction(prediction).id == prediction


WAITING = [b"{", b"[]\n", b'{"time":"x"}\n', b"\xff\n", b"[" * 50_000 + b"\n", b'{"time":1e999}\n', b"\n"]


@pytest.mark.parametrize("line", WAITING)
def test_lag_is_told_of_any_line_that_waits(line: bytes, tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with closing(VectorDB.open(path)) as writer:
        writer.mark("a")
    with closing(VectorDB.open(path, read_only=True)) as follower:
        with open(path, "ab") as file:
            file.write(line)
        lag = follower.lag()
        assert (lag.events, lag.seconds) == (line.count(b"\n"), 0.0)
        if lag.events:
            with pytest.raises(DamagedLog):
                follower.refresh()


def test_a_torn_first_event_is_counted_from_the_header_on(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    VectorDB.open(path).close()
    with open(path, "ab") as file:
        file.write(b'{"offset"')
    assert VectorDB.replay(path).opened.torn_bytes == 9


@pytest.mark.parametrize("lines", [0, 1, 3])
def test_a_line_without_end_is_refused_where_it_begins(
    lines: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read no further than the longest line that a writer writes, however long the file is."""
    monkeypatch.setattr("ledger.storage.jsonl_store.BATCH_BYTES", 1 << 10)
    monkeypatch.setattr("ledger.storage.jsonl_store.MAX_LINE_BYTES", 1 << 16)
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(b"".join(Sealed().lines[:lines]) + b"[" * 8_000_000)
    for read in (VectorDB.open, VectorDB.replay):
        tracemalloc.start()
        with pytest.raises(DamagedLog) as refused:
            read(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert (refused.value.values["line"], refused.value.values["offset"]) == (lines + 1, lines)
        assert peak < 2e6


@pytest.mark.skipif(os.name != "posix", reason="names of files that are no text")
def test_the_command_tells_of_any_name_on_any_terminal(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff\xc3.jsonl"
    Path(os.fsdecode(path)).write_bytes(b"".join(Sealed().lines[:2]))
    for encoding in ("utf-8", "ascii"):
        environment = {**os.environ, "PYTHONIOENCODING": encoding}
        command = [sys.executable, "-m", "vectordb", path]
        done = subprocess.run(command, capture_output=True, env=environment, cwd=ROOT, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        assert os.fsencode(json.loads(done.stdout)["path"]) == path


def test_base64_has_one_form() -> None:
    from ledger import Vector as Kind

    kind = Kind(1, metric="euclidean")
    good = base64.b64encode(struct.pack("<f", 1.5)).decode()
    assert kind.from_json(good) == struct.pack("<f", 1.5)
    for text in (good.rstrip("="), good + "=", good + "\n", f" {good}", "AADAPx==", "AAD_Pw==", good[:4], ""):
        with pytest.raises(InvalidInput):
            kind.from_json(text)


def test_a_compaction_that_was_refused_does_not_count_for_the_next_one() -> None:
    """A follower reads on: the line that was refused may have been mended."""
    log = database().state.log
    settlement = Settlement(log.chain)

    def told(below: int, leaves: str) -> Event:
        return Event(4, log.last_time, LogCompacted(below, 0, leaves, {}), None, log)

    with pytest.raises(DigestMismatch):
        settlement.note(told(3, "0" * 64), 5)
    for below in (2, 2, 3):
        settlement.note(told(below, sha256(log.chain.digests(0, below - 1)).hexdigest()), 5)
    settlement.finish(5)
