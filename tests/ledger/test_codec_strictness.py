"""What no writer wrote is refused, naming line and offset, or at least read as nothing else than it says."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from ledger import DamagedLog, decode_event, encode_event, parse_bodies
from tests.ledger.stored import every_fact

LOG = every_fact()
EVENTS = {offset: json.loads(LOG.body(offset) + b"}") for offset in range(1, LOG.head + 1)}


def taken(offset: int, body: bytes) -> bytes | None:
    """The body written again, None when it is refused as damage that names its line and offset."""
    try:
        data = parse_bodies([body], offset, offset + 1)[0]
        time, fact, meta = decode_event(data, LOG.layouts.__getitem__, offset + 1)
    except DamagedLog as error:
        assert (error.values["offset"], error.values["line"]) == (offset, offset + 1)
        return None
    return encode_event(offset, time, fact, meta)


def canonical(data: Any) -> bytes:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()[:-1]


def places(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in plain data."""
    for key, value in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        yield (*path, key)
        yield from places(value, (*path, key))


def changed(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    data = copy.deepcopy(data)
    inner = data
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return data


def says_the_same(found: Any, data: Any) -> bool:
    """Whether two bodies differ only in optional fields that are empty."""
    if isinstance(data, dict) and isinstance(found, dict):
        full = {key: value for key, value in data.items() if value not in ("", [], {}, None) or key in found}
        least = {key: value for key, value in found.items() if value not in ("", [], {}, None) or key in full}
        return full.keys() == least.keys() and all(says_the_same(least[key], full[key]) for key in full)
    if isinstance(data, list) and isinstance(found, list):
        return len(data) == len(found) and all(map(says_the_same, found, data))
    return type(data) is type(found) and data == found


FREE = ("parameters", "output", "assignment", "pipeline", "where")  # plain data of any form
WRONG = [None, True, 0, -1, 1.5, "", "x", [], {}, [None], [[]], {"x": 1}, 2**53 + 1, 2**70, "\ud800", float("inf")]


@pytest.mark.parametrize("offset", EVENTS)
def test_any_one_value_changed_is_refused_or_kept(offset: int) -> None:
    """Each value in each line replaced by each of a list of wrong ones."""
    event = EVENTS[offset]
    lost = []
    for path in places(event):
        if path == ("offset",):
            continue
        for wrong in WRONG:
            data = changed(event, path, wrong)
            body = json.dumps(data, separators=(",", ":")).encode()[:-1]
            try:
                found = taken(offset, body)
            except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
                lost.append((path, wrong, type(error).__name__, str(error)[:60]))
                continue
            if found is not None and not says_the_same(json.loads(found + b"}"), data):
                lost.append((path, wrong, "read as", found[:200]))
    assert not lost, "\n".join(map(ascii, lost))


@pytest.mark.parametrize("offset", EVENTS)
def test_any_key_added_or_left_out_is_refused_or_kept(offset: int) -> None:
    event = EVENTS[offset]
    lost = []
    for path in ((), *places(event)):
        inner = event
        for key in path:
            inner = inner[key]
        if not isinstance(inner, dict) or set(path) & set(FREE):
            continue
        added = copy.deepcopy(event)
        target = added
        for key in path:
            target = target[key]
        target["unknown"] = 1
        if taken(offset, canonical(added)) is not None:
            lost.append(("added", path))
        for key in inner:
            if (path, key) == ((), "offset"):
                continue
            less = copy.deepcopy(event)
            target = less
            for step in path:
                target = target[step]
            del target[key]
            found = taken(offset, canonical(less))
            if found is not None and not says_the_same(json.loads(found + b"}"), less):
                lost.append(("left out", path, key, found))
    assert not lost, "\n".join(map(repr, lost))


@pytest.mark.parametrize("offset", EVENTS)
def test_any_list_grown_or_shortened_is_refused_or_kept(offset: int) -> None:
    event = EVENTS[offset]
    lost = []
    for path in places(event):
        inner = event
        for key in path:
            inner = inner[key]
        if not isinstance(inner, list):
            continue
        for other in ([*inner, inner[0]], inner[:-1], inner[::-1], []):
            data = changed(event, path, other)
            found = taken(offset, canonical(data))
            if found is not None and not says_the_same(json.loads(found + b"}"), data):
                lost.append((path, other, found[:160]))
    assert not lost, "\n".join(map(repr, lost))


ROW, BATCH, MANY = EVENTS[3], EVENTS[7], EVENTS[8]
TRANSACTION, PREDICTIONS = EVENTS[10], EVENTS[13]


def test_a_prediction_reads_at_an_earlier_offset() -> None:
    for change in ({"as_of": 13}, {"as_of": 14}, {"as_of": -1}):
        assert taken(13, canonical({**PREDICTIONS, **change})) is None
    later = changed(PREDICTIONS, ("predictions", 0, "sources", 0), [11, 0])
    assert taken(13, canonical(later)) is None


@pytest.mark.parametrize(
    "pair", [[5, 0], [6, 0], [0, 0], [1, -1], [1, 2**24], [1 << 39, 0], [1], [1, 0, 0], [1.0, 0], "1"]
)
def test_lineage_names_earlier_rows_only(pair: Any) -> None:
    assert taken(5, canonical({**EVENTS[5], "derived_from": [pair]})) is None


@pytest.mark.parametrize(
    ("offset", "path"),
    [
        (12, ("definition", "parameters", "bias")),
        (13, ("predictions", 0, "output")),
        (13, ("predictions", 0, "assignment", "arm")),
        (3, ("values", 1)),
        (7, ("columns", 1, "list", 0)),
        (11, ("definition", "features", 2, "default")),
    ],
)
def test_a_number_too_large_for_a_float_is_refused(offset: int, path: tuple[Any, ...]) -> None:
    """Python's JSON reads 1e999 as infinity, which no line can hold."""
    body = canonical(changed(EVENTS[offset], path, "HERE")).replace(b'"HERE"', b"1e999")
    assert taken(offset, body) is None


def test_a_request_input_has_one_name() -> None:
    feature = {"request": "a", "name": "b", "type": "float"}
    assert taken(11, canonical(changed(EVENTS[11], ("definition", "features", 2), feature))) is None


def test_a_batch_writes_at_least_one_row_and_one_feature() -> None:
    for change in ({"entities": [], "columns": [{"list": []}] * 7}, {"features": [], "columns": []}):
        assert (
            taken(7, canonical({**{k: v for k, v in BATCH.items() if k not in ("event_times", "features")}, **change}))
            is None
        )


def test_a_row_of_a_batch_writes_at_least_one_feature() -> None:
    form = {"list": [None, 1], "missing": [0]}
    less = {key: value for key, value in BATCH.items() if key != "event_times"}
    assert taken(7, canonical({**less, "features": [0], "columns": [form]})) is None


def test_a_cell_is_null_or_missing_and_not_both() -> None:
    floats = {"f64": MANY["columns"][1]["f64"], "null": [3], "missing": [3]}
    assert taken(8, canonical(changed(MANY, ("columns", 1), floats))) is None


def test_rows_of_an_undefined_version_are_refused() -> None:
    for label in ("drivers@2", "drivers", "others@1", "", None, 7, []):
        for event in (ROW, BATCH, EVENTS[6]):
            assert taken(event["offset"], canonical({**event, "view": label})) is None
        assert taken(10, canonical(changed(TRANSACTION, ("writes", 0, "view"), label))) is None


def test_a_batch_has_fewer_than_two_to_the_24_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    from ledger.facts import rows_put

    monkeypatch.setattr(rows_put, "ROW_MASK", 16)
    assert taken(8, LOG.body(8)) is None
    assert taken(7, LOG.body(7)) == LOG.body(7)
