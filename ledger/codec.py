"""The stored form of events: JSON Lines, one event a line.

    file    = header NEWLINE { event NEWLINE }
    header  = {"format","version","ledger_id","created","parent","digest"}          see ledger.header
    event   = {"offset":n,"time":us,"type":"name@schema", fields..., ["meta":{...},] "digest":"<64 hex>"}
    fields  = as documented at each fact of ledger.facts, values by position of the view's version
    meta    = {["actor"],["correlation"],["causation"],["tags"]}

For example (shortened)::

    {"offset":2,"time":1767225600000000,"type":"row_put@1","view":"drivers@1","entity":"d-7",
     "values":[12,4.9,"Rome"],"digest":"5d1c..."}

A line is complete only with its newline. Offsets count from 1 without a gap, times never go back, and
the digest binds the ledger id, the previous line's digest and every byte before ``,"digest"``.

    redacted = {"offset":n,"time":us,"type":"redacted@1","was":"name@schema","by":m, fields..., "redacted":"<64 hex>",
                "digest":"<64 hex>"}                                         what an erasure or a compaction left
    pruned   = {"offset":n,"digest":"<64 hex>"}                              a compaction left nothing else

Such a line keeps the digest it was written with; ``redacted`` binds what is left of it, and event m names that.

Downsides: values by position need the view's definition to be read; packed columns and vectors
(base64) cannot be read by eye; a fork repeats its parent's lines. What never changes: the envelope, the
digest, and every ``type@schema`` ever written, which later releases go on reading.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from typing import Any

from ledger.errors import DamagedLog, InvalidEvent, InvalidInput, UnknownEventType, VectorDBError
from ledger.event import Meta
from ledger.facts.event_pruned import EventPruned
from ledger.facts.fact import Fact, Reading
from ledger.facts.single_row import RowPut
from ledger.facts.vocabulary import READERS
from ledger.header import canonical, pruned_body
from ledger.identity import ROW_BITS
from ledger.times import MAX_MICROS
from ledger.values.layout import Layout

# Between the bodies parsed as one array stands a number that nobody can foresee: a body that closes more, or
# opens more, than its own object moves it to another depth.
_FENCE = int.from_bytes(os.urandom(7), "big")
_BETWEEN = b"},%d," % _FENCE
LayoutOf = Callable[[str], Layout]
PLAIN_KIND = f"{RowPut.type}@{RowPut.schema}"
PLAIN_KEYS = ("offset", "time", "type", "view", "entity", "values")
TIMED_KEYS = ("offset", "time", "type", "view", "entity", "event_time", "values")
_OLDEST, _NEWEST = -MAX_MICROS, MAX_MICROS


def encode_event(offset: int, time: int, fact: Fact, meta: Meta | None) -> bytes:
    """The body of an event's line: everything before its digest."""
    if isinstance(fact, EventPruned):
        return pruned_body(offset)
    data = {"offset": offset, "time": time, "type": f"{fact.type}@{fact.schema}", **fact.to_json(time)}
    said = None if meta is None else meta_to_json(meta)
    if said:
        data["meta"] = said
    return canonical(data)[:-1]


def parse_bodies(bodies: Sequence[bytes], first: int, line: int) -> list[dict[str, Any]]:
    """The JSON objects of consecutive bodies, the first at offset ``first``.

    A few hundred lines parsed as one array cost half of one by one. Lines that are no objects by
    themselves cannot pass as one together: a number that nobody can know stands between any two.
    """
    try:
        raw = b"[" + _BETWEEN.join(bodies) + b"}]"
        both: list[Any] = _parse(raw.decode())
        objects: list[dict[str, Any]] = both[::2]
        offsets = list(range(first, first + len(bodies)))
        if both[1::2] == [_FENCE] * (len(bodies) - 1) and [item["offset"] for item in objects] == offsets:
            _checked(objects, raw)
            return objects
    except (ValueError, TypeError, KeyError, RecursionError):
        pass  # the loop below finds the line and names it
    return [_parse_one(body, first + place, line + place) for place, body in enumerate(bodies)]


def parse_arrays(texts: bytes) -> list[list[Any]]:
    """Arrays that stand one after the other, parsed as one; of the first the opening bracket is left out.

    Where the text has no other opening bracket than those between them, and there are as many lists as texts, each
    list is what its own text says: none has closed another's, nor taken it into a string of its own.
    """
    values: list[list[Any]] = _parse((b"[[" + texts + b"]").decode())
    return values


def _parse_one(body: bytes, offset: int, line: int) -> dict[str, Any]:
    try:
        data = _checked(_parse((body + b"}").decode()), body)
    except (ValueError, RecursionError) as error:
        raise InvalidEvent(f"a line is one JSON object ({error})", line=line, offset=offset) from error
    if type(data) is not dict or data.get("offset") != offset:
        raise InvalidEvent("a line is one event at its own offset", line=line, offset=offset)
    return data


def _checked(data: Any, raw: bytes) -> Any:
    """The data; a lone surrogate, which only an escape can bring in, is refused."""
    if b"\\" in raw and (b"\\ud" in raw or b"\\uD" in raw):  # one byte is looked for ten times faster than three
        canonical(data)
    return data


def parse_json(text: str | bytes) -> Any:
    """The data of JSON in UTF-8 in which a key stands once, and NaN and Infinity are no numbers.

    Raises ``ValueError`` (``RecursionError`` where it is too deep). A number such as 1e999 is read as infinity.

    >>> parse_json(b'{"a":[1,2.5,null]}')
    {'a': [1, 2.5, None]}
    """
    return _parse(text if isinstance(text, str) else str(text, "utf-8"))


def decode_event(data: dict[str, Any], layout_of: LayoutOf, line: int) -> tuple[int, Fact, Meta | None]:
    """Time, fact and meta of a parsed line; every rule of its type is checked."""
    keys = tuple(data)
    if keys in (PLAIN_KEYS, TIMED_KEYS):
        plain = _decode_plain_row(data, layout_of)
        if plain is not None:
            return plain
    offset = data.pop("offset", None)
    kind = data.pop("type", None)
    reader = READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        raise UnknownEventType("an event type and its schema are known", line=line, offset=offset, type=kind)
    try:
        time = data.pop("time", None)
        if type(time) is not int or not -MAX_MICROS <= time <= MAX_MICROS:
            raise InvalidInput("a recorded time is whole microseconds in range", time=time)
        meta = meta_from_json(data.pop("meta")) if "meta" in data else None
        fact = reader(data, Reading(offset, time, layout_of))
        if data:
            raise InvalidInput("an event has only known fields", unknown=sorted(data))
    except DamagedLog:
        raise
    except (VectorDBError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise InvalidEvent(f"an event obeys the rules of its type: {error}", line=line, offset=offset) from error
    return time, fact, meta


def _decode_plain_row(data: dict[str, Any], layout_of: LayoutOf) -> tuple[int, Fact, None] | None:
    """A row put with nothing out of the ordinary (2.2 us against 4.5); None sends it the general way."""
    offset, time, kind, label, entity, *rest = data.values()
    event_time = rest[0] if len(rest) == 2 else time
    if kind != PLAIN_KIND or type(entity) is not str or not entity or not entity.isascii():
        return None
    if type(time) is not int or type(event_time) is not int or not (_OLDEST <= time <= _NEWEST):
        return None
    if not _OLDEST <= event_time <= _NEWEST or type(rest[-1]) is not list:
        return None
    try:
        layout = layout_of(label)
        cells = layout.decode(rest[-1])
    except InvalidInput:
        return None  # the general way refuses it, with line and offset
    return time, RowPut(layout, entity, layout.pack(offset << ROW_BITS, event_time, cells)), None


def decode_stored(text: str, reading: Reading, kind: type[Fact]) -> Fact:
    """The fact of a stored form without its envelope, as the in-memory log keeps it."""
    return kind.from_json(json.loads(text), reading)


def meta_to_json(meta: Meta) -> dict[str, Any]:
    """The fields that are set."""
    return {name: list(value) if name == "tags" else value for name, value in meta._asdict().items() if value}


def meta_from_json(data: Any) -> Meta:
    """The meta of its stored form."""
    if type(data) is not dict or not data or set(data) - set(Meta._fields):
        raise InvalidInput("meta has only known fields", meta=data)
    tags = data.get("tags", [])
    texts = [value for name, value in data.items() if name != "tags"]
    if type(tags) is not list or any(type(text) is not str or not text for text in (*texts, *tags)):
        raise InvalidInput("meta is text, and tags a list of text", meta=data)
    if "tags" in data and not tags:
        raise InvalidInput("what was not said is not written", meta=data)
    return Meta(**{**data, "tags": tuple(tags)})


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        raise ValueError("a key stands once in an object")
    return data


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number")


_parse = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_constant).decode
