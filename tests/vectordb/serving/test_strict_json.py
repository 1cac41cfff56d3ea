"""Strict JSON: what is taken is what the standard library takes, less what parsers disagree about."""

from __future__ import annotations

import json
from array import array
from datetime import UTC, date, datetime
from typing import Any

import pytest

from vectordb.serving.http.refusal import BadRequest, PartFailed, message_of, status_of
from vectordb.serving.http.strict_json import dump_json, parse_json


@pytest.mark.parametrize("value", [
    {}, [], None, 0, -1.5, 1e300, 10**4000, "[{\\\"", {"[": "]", '"': {"{": "\\"}}, [[[1], [2]], [3]],
    "😀 ö \u2028", [[]] * 100,
])  # fmt: skip
def test_what_is_well_formed_is_taken(value: Any) -> None:
    for ascii_only in (True, False):
        assert parse_json(json.dumps(value, ensure_ascii=ascii_only).encode(), 4) == value


def test_depth_is_exact() -> None:
    for depth in (1, 2, 7, 32):
        for inner in ('"]}"', '"\\"[[[[" ', "1"):
            text = "[" * depth + inner + "]" * depth
            assert parse_json(text.encode(), depth) == json.loads(text)
            with pytest.raises(BadRequest):
                parse_json(f"[{text}]".encode(), depth)
            wide = "[" + ",".join([text[1:-1] or "1"] * 50) + "]"
            assert parse_json(wide.encode(), depth) == json.loads(wide)


@pytest.mark.parametrize(
    "text", [b"NaN", b"-Infinity", b"1e400", b"-1e400", b'{"a":1,"b":2,"a":3}', b'"\\udc00"', b"\xff", b""]
)
def test_what_parsers_disagree_about_is_refused(text: bytes) -> None:
    with pytest.raises(BadRequest):
        parse_json(text)


def test_what_reads_give_is_written() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    value = {"at": now, "day": date(2026, 1, 2), "v": memoryview(array("d", [1.5])), "s": {"b", "a"}, "t": (1, "x")}
    plain = {"at": "2026-01-01T00:00:00Z", "day": "2026-01-02", "v": [1.5], "s": ["a", "b"], "t": [1, "x"]}
    assert json.loads(dump_json(value)) == plain
    gaps = {"a": [float("nan"), {"b": float("inf")}], "v": memoryview(array("d", [float("nan"), 2.0])), "at": now}
    assert json.loads(dump_json(gaps)) == {"a": [None, {"b": None}], "v": [None, 2.0], "at": "2026-01-01T00:00:00Z"}


def test_what_is_no_plain_data_is_the_models_fault() -> None:
    with pytest.raises(PartFailed) as refused:
        dump_json({"output": object()})
    assert status_of(refused.value) == 503 and message_of(refused.value, 503) == "the model cannot answer now"
