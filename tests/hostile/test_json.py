"""JSON by the categories of the public parsing test suite: what must be taken, what must not, and what each may decide.

The line reader takes one wording of a value and no other; the reader of definitions takes any JSON that says one thing.
"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from ledger import DamagedLog, canonical, parse_json, read_header
from ledger.header import seal
from tests.replay.broken_ledger import Sealed
from vectordb import InvalidInput, VectorDB
from vectordb.transforms import loads

CANONICAL = [  # y: as this format writes it
    '"a"', '""', '"é"', '"𝄞"', '"\\u0000"', '"\\u001f"', '"\\""', '"\\\\"', '"\\n"', '"\u2028"', '"/"', '"\x7f"',
    "0", "-1", "123", "0.5", "-0.0", "1e+16", "1e-07", "123456789012345678901234567890", "1.7976931348623157e+308",
    "5e-324", "true", "false", "null", "[]", "[1]", "[[],{}]", "{}", '{"":0}', '{"a":{"b":[null,true]}}', "[1,2.0]",
]  # fmt: skip
LOOSE = [  # y: the same data in other words
    " 1", "1 ", "\t1", "[1, 2]", "[ ]", '{"a" :1}', '{"a": 1}', "[1\t]", "1.50", "1E5", "1e5", "1e05", "1.0e0", "-0",
    '"\\u0061"', '"\\/"', '"\\u00e9"', '"\\u000A"', '"\\ud834\\udd1e"', '"\\u001F"', "100e-2", "0e1", "-0e1", "0e+1",
]  # fmt: skip
WRONG = [  # n
    "", "[", "]", "[1", "[1,", "[1,]", "[,1]", "[1,,2]", "[1 2]", "[1]]", "[1]x", "{", "}", '{"a"', '{"a":', '{"a":1',
    '{"a":1,', '{"a":1,}', '{"a",1}', "{1:1}", "{a:1}", "{'a':1}", '{"a":1 "b":2}', '{"a":1,,"b":2}', '{"a"::1}', "{,}",
    "01", "-01", "+1", "1.", ".5", "-.5", "1e", "1e+", "1.e1", "1e1.5", "--1", "-", "- 1", "0x10", "1_000", "１", "1a",
    "NaN", "-NaN", "Infinity", "-Infinity", "inf", "nan", "True", "TRUE", "tru", "nul", "None", "undefined", "'a'",
    '"', '"a', 'a"', '"\t"', '"\x00"', '"\x1f"', '"\\x41"', '"\\a"', '"\\u12"', '"\\u12G4"', '"\\U00000041"', '"\\',
    "// x\n1", "1//x", "/**/1", "1/**/", "# x", "\x0c1", "\u00a01", "\ufeff1", "\u20601", "*", "&", "<1>", "[1;2]",
    '{"a":1,"a":2}', '{"a":1,"\\u0061":2}', "[" * 100_000, '{"a":' * 50_000, "1" * 5_000, "[" + "-" * 1_000, '["a"1]',
]  # fmt: skip
LONE = ['"\\ud800"', '"\\udc00"', '"\\ud800\\ud800"', '"\\ud800a"', '"a\\udfff"', '"\\udd1e\\ud834"']  # i
TOO_LARGE = ["1e309", "-1e309", "1e999999", "9" * 400 + ".0", "0.4e0066" + "9" * 60]
BYTES = [  # i and n: not UTF-8
    b'"\xff"', b'"\xc3"', b'"\xc3\x28"', b'"\xc0\xaf"', b'"\xe0\xff"', b'"\xed\xa0\x80"', b'"\xf4\x90\x80\x80"',
    b'"\x80"', b'"\xf8\x88\x80\x80\x80"', b'"\xfc\x83\xbf\xbf\xbf\xbf"', '"é"'.encode("latin-1"), b"\xef\xbb\xbf1",
    b"\xff\xfe1\0", "[1]".encode("utf-16"), "[1]".encode("utf-16-be"), "[1]".encode("utf-32"), b"\xe5", b"\0", b'"a\0"',
]  # fmt: skip


def line_of(value: bytes) -> Sealed:
    """A ledger whose last line has a model with one parameter, its digest right."""
    sealed = Sealed()
    start = b'{"offset":%d,"time":%d,"type":"model_defined@1",' % (sealed.next_offset, sealed.time + 1)
    rest = b'"definition":{"name":"m","version":1,"kind":"linear","parameters":{"x":' + value + b"}}"
    return sealed.raw(start + rest)


def read_line(value: bytes, folder: Path) -> Any:
    sealed = line_of(value)
    path = folder / "ledger.jsonl"
    path.write_bytes(b"".join(sealed.lines))
    try:
        return VectorDB.replay(path).event(4).payload["definition"]["parameters"]["x"]
    except DamagedLog as error:
        assert error.values["offset"] == 4 or b"\n" in value
        assert error.values["line"] == 5 or b"\n" in value
        raise


def pipeline_of(value: bytes) -> bytes:
    return b'{"type":"StandardScaler","parameters":{"copy":' + value + b"}}"


@pytest.mark.parametrize("text", CANONICAL, ids=ascii)
def test_the_one_wording_is_read_by_all(text: str, tmp_path: Path) -> None:
    raw = text.encode()
    wanted = json.loads(text)
    assert canonical(wanted) == raw
    for found in (read_line(raw, tmp_path), parse_json(raw), parse_json(text)):
        assert repr(found) == repr(wanted)


@pytest.mark.parametrize("text", LOOSE, ids=ascii)
def test_another_wording_is_no_line_of_a_ledger(text: str, tmp_path: Path) -> None:
    raw = text.encode()
    assert canonical(parse_json(raw)) != raw
    with pytest.raises(DamagedLog):
        read_line(raw, tmp_path)


@pytest.mark.parametrize("text", WRONG, ids=lambda text: ascii(text[:30]))
def test_what_is_no_json_is_read_by_nobody(text: str, tmp_path: Path) -> None:
    raw = text.encode()
    with pytest.raises((ValueError, RecursionError)):
        parse_json(raw)
    with pytest.raises(DamagedLog):
        read_line(raw, tmp_path)
    with pytest.raises(InvalidInput):
        loads(pipeline_of(raw))


@pytest.mark.parametrize("raw", BYTES, ids=ascii)
def test_what_is_not_utf8_is_read_by_nobody(raw: bytes, tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        parse_json(raw)
    with pytest.raises(DamagedLog):
        read_line(raw, tmp_path)
    with pytest.raises(InvalidInput):
        loads(pipeline_of(raw))
    with pytest.raises(InvalidInput):
        loads(raw)


@pytest.mark.parametrize("text", [*LONE, *TOO_LARGE], ids=lambda text: text[:20])
def test_what_others_may_read_is_decided_here(text: str, tmp_path: Path) -> None:
    """Half a character and a number beyond float64 are no values: no ledger holds them, no definition says them."""
    with pytest.raises(DamagedLog):
        read_line(text.encode(), tmp_path)
    if text in TOO_LARGE:
        with pytest.raises(InvalidInput):
            loads(pipeline_of(text.encode()))


@pytest.mark.parametrize("text", [*LOOSE, *WRONG, *LONE, *TOO_LARGE], ids=lambda text: ascii(text[:30]))
def test_a_header_has_one_wording_too(text: str) -> None:
    start = b'{"format":"vectordb-ledger","version":1,"ledger_id":"%b","created":' % (b"0" * 32)
    for body in (start + text.encode() + b',"parent":null', start + b'1,"parent":' + text.encode()):
        with pytest.raises(DamagedLog) as refused:
            read_header(seal(body, sha256(b"\0" + body).digest()))
        assert (refused.value.values["line"], refused.value.values["offset"]) == (1, 0)
