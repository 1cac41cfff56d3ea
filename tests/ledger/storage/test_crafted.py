"""Crafted lines: whatever a hostile writer puts on a line, with right digests, is a named error or a sound event.

Never a hang, never a raw Python error, and never a ledger whose copy is damaged.
"""

from __future__ import annotations

import base64
import json
import math
import struct
from pathlib import Path
from typing import Any

import pytest

from ledger import DamagedLog, InvalidEvent, UnknownEventType, VectorDBError, new_header
from ledger.header import Parent
from tests.ledger.storage.samples import SEED, VIEW, Forger, forge, reopened, sample
from vectordb import VectorDB

ROW = '"view":"users@1","entity":"u","values":'
BATCH = '"view":"users@1","entities":'


def b64(code: str, *numbers: float) -> str:
    return base64.b64encode(struct.pack(f"<{len(numbers)}{code}", *numbers)).decode()


def model(rest: str, version: int = 1) -> tuple[str, str]:
    return "model_defined@1", f'"definition":{{"name":"m","version":{version},"kind":"linear",{rest}}}'


def service(feature: str, version: int = 1) -> tuple[str, str]:
    return "service_defined@1", f'"definition":{{"name":"s","version":{version},"features":["{feature}"]}}'


def view(features: str) -> tuple[str, str]:
    return "view_defined@1", f'"definition":{{"name":"v","version":1,"entity":"e","features":[{features}]}}'


def batch(entities: str, columns: str, rest: str = "", places: str = "[0]") -> tuple[str, str]:
    return "rows_put@1", f'{BATCH}{entities},"features":{places},"columns":[{columns}]{rest}'


PREDICTED = '"predictions":[{"entities":["u"],"inputs":[1],"sources":[null],"output":1}]'


def assert_refused(path: Path, line: int = 3) -> DamagedLog:
    """Every way of opening names the same line and offset."""
    for options in ({}, {"lazy": True}, {"read_only": True}, None):
        with pytest.raises(DamagedLog) as caught:
            (VectorDB.replay(path) if options is None else reopened(path, **options)).close()
        assert (caught.value.values["line"], caught.value.values["offset"]) == (line, line - 1)
    return caught.value


def test_a_forged_ledger_opens(tmp_path: Path) -> None:
    path = forge("row_put@1", ROW + '[1,2.5,"x","AACAPwAAAEA="]', tmp_path / "a")
    with reopened(path) as db:
        assert db.view("users").get("u")["rate"] == 2.5
        db.snapshot(tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == path.read_bytes()


VALUES = {
    "NaN": '[1,NaN,"x","AACAPwAAAEA="]',
    "Infinity": '[1,Infinity,"x","AACAPwAAAEA="]',
    "-Infinity": '[1,-Infinity,"x","AACAPwAAAEA="]',
    "1e999": '[1,1e999,"x","AACAPwAAAEA="]',
    "-1e999": '[1,-1e999,"x","AACAPwAAAEA="]',
    "an int for a float": '[1,2,"x","AACAPwAAAEA="]',
    "a float for an int": '[1.0,2.5,"x","AACAPwAAAEA="]',
    "a huge int": f'[{10**30},2.5,"x","AACAPwAAAEA="]',
    "an int of 5000 digits": f'[{"9" * 5000},2.5,"x","AACAPwAAAEA="]',
    "2**53+1": f'[{2**53 + 1},2.5,"x","AACAPwAAAEA="]',
    "true for an int": '[true,2.5,"x","AACAPwAAAEA="]',
    "a lone surrogate": r'[1,2.5,"\ud800","AACAPwAAAEA="]',
    "base64 with a space": '[1,2.5,"x","AACAPwAA AEA="]',
    "base64 without padding": '[1,2.5,"x","AACAPwAAAEA"]',
    "base64 too short": '[1,2.5,"x","AACAPw=="]',
    "base64 with other bits at its end": '[1,2.5,"x","AACAPwAAAEB="]',
    "no base64": '[1,2.5,"x","%%%%%%%%%%%="]',
    "a NaN in a vector": f'[1,2.5,"x","{b64("f", 1.0, math.nan)}"]',
    "an infinity in a vector": f'[1,2.5,"x","{b64("f", math.inf, 1.0)}"]',
    "numbers for a vector": '[1,2.5,"x",[1,2]]',
    "too few": '[1,2.5,"x"]',
    "too many": '[1,2.5,"x","AACAPwAAAEA=",1]',
    "none": "[]",
    "an object": "{}",
    "a text": '"values"',
    "null": "null",
    "deep lists": "[" * 100_000 + "]" * 100_000,
    "deep lists unclosed": "[" * 100_000,
    "deep objects": '{"a":' * 50_000 + "1" + "}" * 50_000,
    "a trailing comma": '[1,2.5,"x","AACAPwAAAEA=",]',
    "a second document": '[1,2.5,"x","AACAPwAAAEA="]}{"a":1',
}


@pytest.mark.parametrize("name", VALUES)
def test_bad_values_are_refused(tmp_path: Path, name: str) -> None:
    error = assert_refused(forge("row_put@1", ROW + VALUES[name], tmp_path / "ledger.jsonl"))
    assert isinstance(error, InvalidEvent)


GOOD = '[1,2.5,"x","AACAPwAAAEA="]'
FIELDS: dict[str, tuple[str, str]] = {
    "an unknown type": ("thing_happened@1", ""),
    "an unknown schema": ("row_put@2", ROW + GOOD),
    "no schema": ("row_put", ROW + GOOD),
    "redacted": ("redacted@1", ""),
    "an unknown field": ("row_put@1", ROW + GOOD + ',"more":1'),
    "an unknown view": ("row_put@1", '"view":"others@1","entity":"u","values":[1]'),
    "an unknown version": ("row_put@1", '"view":"users@2","entity":"u","values":' + GOOD),
    "no view": ("row_put@1", '"entity":"u","values":' + GOOD),
    "a list for a view": ("row_put@1", '"view":["users@1"],"entity":"u","values":' + GOOD),
    "no entity": ("row_put@1", '"view":"users@1","values":' + GOOD),
    "an empty entity": ("row_put@1", '"view":"users@1","entity":"","values":' + GOOD),
    "a float entity": ("row_put@1", '"view":"users@1","entity":1.5,"values":' + GOOD),
    "a bool entity": ("row_put@1", '"view":"users@1","entity":true,"values":' + GOOD),
    "an object for an entity": ("row_put@1", '"view":"users@1","entity":{},"values":' + GOOD),
    "a nested entity": ("row_put@1", '"view":"users@1","entity":["a",["b"]],"values":' + GOOD),
    "a surrogate entity": ("row_put@1", '"view":"users@1","entity":"\\udfff","values":' + GOOD),
    "a huge int entity": ("row_put@1", f'"view":"users@1","entity":{10**1300},"values":{GOOD}'),
    "a key twice": ("row_put@1", ROW + GOOD + ',"values":[2,2.5,"x","AACAPwAAAEA="]'),
    "the offset twice": ("row_put@1", ROW + GOOD + ',"offset":2'),
    "the offset twice, escaped": ("row_put@1", ROW + GOOD + ',"\\u006fffset":2'),
    "a float event time": ("row_put@1", ROW + GOOD + ',"event_time":1.5'),
    "an event time out of range": ("row_put@1", ROW + GOOD + f',"event_time":{2**54}'),
    "an event time of 1e400": ("row_put@1", ROW + GOOD + ',"event_time":1e400'),
    "features out of order": ("row_put@1", '"view":"users@1","entity":"u","features":[1,0],"values":[1.5,1]'),
    "features out of range": ("row_put@1", '"view":"users@1","entity":"u","features":[9],"values":[1]'),
    "negative features": ("row_put@1", '"view":"users@1","entity":"u","features":[-1],"values":["AACAPwAAAEA="]'),
    "an empty meta": ("row_put@1", ROW + GOOD + ',"meta":{}'),
    "an unknown meta": ("row_put@1", ROW + GOOD + ',"meta":{"who":"me"}'),
    "a number in meta": ("row_put@1", ROW + GOOD + ',"meta":{"actor":1}'),
    "a surrogate in meta": ("row_put@1", ROW + GOOD + ',"meta":{"actor":"\\ud800"}'),
    "a surrogate in a tag": ("row_put@1", ROW + GOOD + ',"meta":{"tags":["\\ud800"]}'),
    "a surrogate key": ("row_put@1", ROW + GOOD + ',"key":"\\ud800","args":"x"'),
    "derived from itself": ("row_put@1", ROW + GOOD + ',"derived_from":[[2,0]]'),
    "derived from the future": ("row_put@1", ROW + GOOD + ',"derived_from":[[9,0]]'),
    "derived from no row": ("row_put@1", ROW + GOOD + ',"derived_from":[[1,0]]'),
    "derived from a float": ("row_put@1", ROW + GOOD + ',"derived_from":[[1.0,0]]'),
    "derived from a huge offset": ("row_put@1", ROW + GOOD + f',"derived_from":[[{2**70},0]]'),
    "derived from a negative offset": ("row_put@1", ROW + GOOD + ',"derived_from":[[-1,0]]'),
    "derived from a negative row": ("row_put@1", ROW + GOOD + ',"derived_from":[[1,-1]]'),
    "no rows": ("rows_put@1", BATCH + '[],"columns":[]'),
    "no rows deleted": ("rows_put@1", BATCH + '[],"deleted":true'),
    "no columns": ("rows_put@1", BATCH + '["a"],"columns":[]'),
    "a column too short": ("rows_put@1", BATCH + '["a","b"],"features":[0],"columns":[{"list":[1]}]'),
    "a NaN column": ("rows_put@1", BATCH + '["a"],"features":[1],"columns":[{"list":[NaN]}]'),
    "a 1e999 column": ("rows_put@1", BATCH + '["a"],"features":[1],"columns":[{"list":[1e999]}]'),
    "a bad form": ("rows_put@1", BATCH + '["a"],"features":[0],"columns":[{"i64":"AAAAAAAAAAA="}]'),
    "times too short": batch('["a","b"]', '{"list":[1,2]}', f',"event_times":"{b64("q", 5)}"'),
    "times out of range": batch('["a"]', '{"list":[1]}', f',"event_times":"{b64("q", 2**60)}"'),
    "null rows out of range": batch('["a"]', '{"list":[null],"missing":[7]}'),
    "a rejection of nothing": batch('["a"]', '{"list":[1]}', ',"rejected":[[]]'),
    "deleted false": ("rows_put@1", BATCH + '["a"],"deleted":false'),
    "an empty transaction": ("transaction_committed@1", '"writes":[]'),
    "a transaction of nothing": ("transaction_committed@1", '"writes":[1]'),
    "an empty write": ("transaction_committed@1", '"writes":[{"view":"users@1","entities":[],"deleted":true}]'),
    "a second first version": ("view_defined@1", VIEW),
    "a view without features": view(""),
    "a zero version": model('"parameters":{}', 0),
    "a model that skips a version": model('"parameters":{}', 5),
    "an infinite parameter": model('"parameters":{"a":1e999}'),
    "a surrogate parameter": model('"parameters":{"a":"\\ud800"}'),
    "a service of an unknown view": service("others:age"),
    "a service of an unknown feature": service("users:other"),
    "a service that skips a version": service("users:age", 4),
    "a prediction of an unknown service": (
        "predictions_recorded@1", f'"service":"s@1","as_of":1,"at":5,"model":"m",{PREDICTED}'),
    "an infinite p": view('{"name":"f","type":"vector","dim":2,"metric":"minkowski","dtype":"float32","p":1e999}'),
    "an infinite default": view('{"name":"f","type":"float","default":1e999}'),
    "an empty mark": ("log_marked@1", '"name":""'),
    "a surrogate mark": ("log_marked@1", '"name":"\\ud800"'),
    "no fields": ("row_put@1", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", FIELDS)
def test_bad_fields_are_refused(tmp_path: Path, name: str) -> None:
    assert_refused(forge(*FIELDS[name], tmp_path / "ledger.jsonl"))


def test_a_mark_is_set_once(tmp_path: Path) -> None:
    forger = Forger().event("log_marked@1", '"name":"m"').event("log_marked@1", '"name":"m"')
    assert_refused(forger.save(tmp_path / "ledger.jsonl"))


@pytest.mark.parametrize("source", ["[2,7]", "[1,0]"])
def test_a_prediction_comes_from_rows_of_the_log(tmp_path: Path, source: str) -> None:
    row = f'{{"entities":["u"],"inputs":[1],"sources":[{source}],"output":1}}'
    recorded = f'"service":"s@1","as_of":3,"at":5,"model":"m","predictions":[{row}]'
    forger = Forger().event("view_defined@1", VIEW).event("row_put@1", ROW + GOOD)
    forger.event(*service("users:age")).event("predictions_recorded@1", recorded)
    assert_refused(forger.save(tmp_path / "ledger.jsonl"), line=5)


def test_an_unknown_type_has_its_own_error(tmp_path: Path) -> None:
    error = assert_refused(forge("thing_happened@1", "", tmp_path / "ledger.jsonl"))
    assert isinstance(error, UnknownEventType)
    assert error.values["type"] == "thing_happened@1"


BODIES: dict[str, bytes] = {
    "invalid utf-8": b'{"offset":2,"time":5,"type":"log_marked@1","name":"\xff\xfe"',
    "a raw newline's neighbour": b'{"offset":2,"time":5,"type":"log_marked@1","name":"a\rb"',
    "a raw NUL": b'{"offset":2,"time":5,"type":"log_marked@1","name":"\0"',
    "another offset": b'{"offset":3,"time":5,"type":"log_marked@1","name":"a"',
    "offset zero": b'{"offset":0,"time":5,"type":"log_marked@1","name":"a"',
    "a float offset": b'{"offset":2.0,"time":5,"type":"log_marked@1","name":"a"',
    "a text offset": b'{"offset":"2","time":5,"type":"log_marked@1","name":"a"',
    "a space before the offset": b'{ "offset":2,"time":5,"type":"log_marked@1","name":"a"',
    "another order": b'{"time":5,"offset":2,"type":"log_marked@1","name":"a"',
    "no type": b'{"offset":2,"time":5,"name":"a"',
    "a type that is a list": b'{"offset":2,"time":5,"type":["log_marked@1"],"name":"a"',
    "no time": b'{"offset":2,"type":"log_marked@1","name":"a"',
    "a time that goes back": b'{"offset":2,"time":1,"type":"log_marked@1","name":"a"',
    "a float time": b'{"offset":2,"time":1e16,"type":"log_marked@1","name":"a"',
    "a time out of range": b'{"offset":2,"time":99999999999999999999,"type":"log_marked@1","name":"a"',
    "an unclosed object": b'{"offset":2,"time":9,"type":"log_marked@1","name":{"a":1',
    "a comma at the end": b'{"offset":2,"time":9,"type":"log_marked@1","name":"a",',
    "closed too early": b'{"offset":2,"time":9,"type":"log_marked@1","name":"a"}',
    "nothing": b"",
    "only an offset": b'{"offset":2,',
}


@pytest.mark.parametrize("name", BODIES)
def test_bad_bodies_are_refused(tmp_path: Path, name: str) -> None:
    forger = Forger().event("log_marked@1", '"name":"first"').add(BODIES[name])
    assert_refused(forger.save(tmp_path / "ledger.jsonl"))


# -- objects that hide across lines ------------------------------------------------------------------

TIME = '"time":1767225700000000'
HEAD = f'{TIME},"type":"model_defined@1","definition":{{"name":"m","version":1,"kind":"linear","parameters":'


def hidden(first: int) -> tuple[bytes, bytes]:
    """Two bodies, neither of them JSON, that make two good objects when they are joined by ``},``."""
    one = f'{{"offset":{first},{HEAD}{{"z":[{{"a":1'
    rest = f'{{"offset":{first + 1},"x":1}}]}}}}}}'
    evil = f'{{"offset":{first + 1},{TIME},"type":"log_marked@1","name":"evil"'
    return one.encode(), f"{rest},{evil}".encode()


def test_a_pair_of_lines_cannot_hide_an_object_across_them(tmp_path: Path) -> None:
    one, two = hidden(1)
    parsed = json.loads(b"[" + one + b"}," + two + b"}]")
    assert [item["offset"] for item in parsed] == [1, 2], "the pair is what it claims to be"
    assert_refused(Forger().add(one).add(two).save(tmp_path / "ledger.jsonl"), line=2)


def test_a_run_of_lines_cannot_hide_an_object_either(tmp_path: Path) -> None:
    forger = Forger().event("log_marked@1", '"name":"a"')
    one, two = hidden(2)
    forger.add(one).add(two).event("log_marked@1", '"name":"b"')
    assert_refused(forger.save(tmp_path / "ledger.jsonl"), line=3)


def test_lines_that_swallow_the_next_one_are_refused(tmp_path: Path) -> None:
    texts = [
        '{"offset":1,"time":5,"type":"log_marked@1","name":[{"a":1',
        '{"offset":1,"time":5,"type":"log_marked@1","name":"a',
        '{"offset":1,"time":5,"type":"log_marked@1","name":"a"},{"offset":2,"time":5,"name":"b"',
        '{"offset":1,"time":5,"type":"log_marked@1","name":"a"}],[{"b":1',
    ]
    for text in texts:
        forger = Forger().add(text.encode()).add(b'{"offset":2,"time":6,"type":"log_marked@1","name":"c"}]')
        assert_refused(forger.save(tmp_path / "ledger.jsonl"), line=2)


# -- depth, and forms that no writer writes ----------------------------------------------------------


def test_deep_data_is_refused_or_read_never_a_recursion_error(tmp_path: Path) -> None:
    for depth in (10, 30, 40, 100, 300, 450, 700, 900, 950, 990, 2000, 20_000):
        deep = "[" * depth + "1" + "]" * depth
        fields = f'"definition":{{"name":"m","version":1,"kind":"linear","parameters":{{"a":{deep}}}}}'
        path = forge("model_defined@1", fields, tmp_path / f"deep {depth}")
        for options in ({}, {"lazy": True}):
            try:
                with reopened(path, **options) as db:
                    assert db.event(2).payload["definition"]["name"] == "m"
            except DamagedLog as error:
                assert error.values["line"] == 3, depth


SIXTEEN = json.dumps(list("abcdefghijklmnop"), separators=(",", ":"))
LOOSE: dict[str, tuple[str, str]] = {
    "a space": ("row_put@1", '"view": "users@1","entity":"u","values":' + GOOD),
    "an escaped letter": ("row_put@1", '"view":"users@1","entity":"\\u0075","values":' + GOOD),
    "a longer float": ("row_put@1", ROW + '[1,2.50,"x","AACAPwAAAEA="]'),
    "another order": ("row_put@1", '"entity":"u","view":"users@1","values":' + GOOD),
    "its own event time": ("row_put@1", ROW + GOOD + ',"event_time":1767225700000000'),
    "no tags": ("row_put@1", ROW + GOOD + ',"meta":{"actor":"a","tags":[]}'),
    "derived from nothing": ("row_put@1", ROW + GOOD + ',"derived_from":[]'),
    "an empty owner": model('"parameters":{},"owner":""'),
    "equal event times": batch('["a","b"]', '{"list":[1,2]}', f',"event_times":"{b64("q", 5, 5)}"'),
    "features in full": batch(
        '["a"]', '{"list":[1]},{"list":[1.5]},{"list":["x"]},{"list":["AACAPwAAAEA="]}', "", "[0,1,2,3]"),
    "a column of nothing": batch('["a"]', '{"list":[1]},{"list":[null],"missing":[0]}', "", "[0,1]"),
    "nothing rejected": batch('["a"]', '{"list":[1]}', ',"rejected":[]'),
    "unused categories": batch(SIXTEEN, '{"dict":["no","yes"],"codes":"' + b64("i", *[1] * 16) + '"}', "", "[2]"),
}  # fmt: skip


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("name", LOOSE)
def test_a_line_no_writer_writes_never_makes_a_damaged_copy(tmp_path: Path, name: str, lazy: bool) -> None:
    """Digests bind raw bytes: such a line is refused, copied as it stands, or not copied at all."""
    path = forge(*LOOSE[name], tmp_path / "ledger.jsonl")
    try:
        db = reopened(path, lazy=lazy)
    except DamagedLog as error:
        assert error.values["line"] == 3
        return
    with db:
        for copied, target in ((db, tmp_path / "copy.jsonl"), (db.fork(), tmp_path / "fork.jsonl")):
            try:
                copied.snapshot(target)
            except DamagedLog as error:
                assert (error.values["line"], error.values["offset"]) == (3, 2)
                assert not target.exists()
            else:
                assert target.read_bytes().splitlines()[1:3] == path.read_bytes().splitlines()[1:3]
                reopened(target).close()


# -- headers -----------------------------------------------------------------------------------------

PARENT = Parent("0" * 32, "0" * 64, 0, "0" * 64)
HEADERS: dict[str, Any] = {
    "an id that is not hex": {"ledger_id": "zz"},
    "an odd id": {"ledger_id": "abc"},
    "an empty id": {"ledger_id": ""},
    "a surrogate id": {"ledger_id": "\ud800"},
    "a time out of range": {"created": 10**30},
    "a parent without hex": {"parent": PARENT._replace(ledger_id="parent")},
    "a parent's odd digest": {"parent": PARENT._replace(digest="123")},
    "a parent's genesis": {"parent": PARENT._replace(genesis="genesis")},
    "a parent's offset in text": {"parent": PARENT._replace(offset="1")},
    "a negative offset": {"parent": PARENT._replace(offset=-3)},
    "a float offset": {"parent": PARENT._replace(offset=0.0)},
    "a huge offset": {"parent": PARENT._replace(offset=10**40)},
    "a parent beyond its child": {"parent": PARENT._replace(offset=2, parent=PARENT._replace(offset=5))},
}


@pytest.mark.parametrize("name", HEADERS)
def test_bad_headers_are_refused(tmp_path: Path, name: str) -> None:
    header = new_header(1, SEED)._replace(**HEADERS[name])
    path = tmp_path / "ledger.jsonl"
    if name == "a surrogate id":
        line = header._replace(ledger_id="surrogate").line().replace(b"surrogate", rb"\ud800")
    else:
        line = header.line()
    path.write_bytes(line + b'{"offset":1,"time":5,"type":"log_marked@1","name":"a","digest":"' + b"0" * 64 + b'"}\n')
    for read in (reopened, VectorDB.replay):
        with pytest.raises(DamagedLog) as caught:
            read(path)
        assert caught.value.values["line"] in (1, 2)


def test_a_header_nested_in_any_depth_is_named_or_read(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    for depth in (5, 100, 300, 320, 450, 480, 490, 900, 960, 3000):
        text = '{"ledger_id":"00","genesis":"00","offset":0,"digest":"00","parent":' * depth + "null" + "}" * depth
        head = b'{"format":"vectordb-ledger","version":1,"ledger_id":"00","created":1,"parent":' + text.encode()
        path.write_bytes(head + b',"digest":"' + b"0" * 64 + b'"}\n')
        with pytest.raises(DamagedLog) as caught:
            reopened(path)
        assert caught.value.values["line"] == 1


def test_gigantic_lines_are_read_or_refused_in_bounded_time(tmp_path: Path) -> None:
    path = forge("row_put@1", ROW + '[1,2.5,"' + "x" * 5_000_000 + '","AACAPwAAAEA="]', tmp_path / "ledger.jsonl")
    assert_refused(path)
    sample(tmp_path / "other.jsonl")
    whole = (tmp_path / "other.jsonl").read_bytes()
    (tmp_path / "other.jsonl").write_bytes(whole + b"[" * 5_000_000 + b"\n")
    assert_refused(tmp_path / "other.jsonl", line=whole.count(b"\n") + 1)


def test_every_refusal_is_one_of_ours() -> None:
    assert issubclass(DamagedLog, VectorDBError)
    assert not issubclass(DamagedLog, ValueError), "a caller who catches bad input must not swallow damage"
