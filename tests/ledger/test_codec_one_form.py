"""A body that is taken though no writer writes it so: its line is refused, or given back as it was.

The digest binds the raw bytes. A log in memory renders its lines anew for snapshots and forks; where the
rendering differs from what was read, the line that it writes carries a digest that does not hold.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ledger import DamagedLog, Journal, Log, canonical
from ledger.chain import Chain
from ledger.header import seal
from tests.ledger.making import T0
from tests.ledger.stored import every_fact

LOG = every_fact()
EVENTS = {offset: json.loads(LOG.body(offset) + b"}") for offset in range(1, LOG.head + 1)}


class Lines:
    """A store of lines in memory."""

    writable = False

    def __init__(self, lines: list[bytes]) -> None:
        self.lines = lines

    def read(self, position: int = 0) -> Iterator[tuple[int, list[bytes]]]:
        yield position, self.lines

    def after(self, position: int, line: bytes) -> int:
        return position + len(line)


def stored_line(offset: int, body: bytes) -> bytes | None:
    """Load a ledger that ends with this body, its digest valid, and ask for the line.

    None when it is refused, nothing when it comes back as it was, else the line that would be written.
    """
    bodies = [*(LOG.body(before) for before in range(1, offset)), body]
    chain = Chain(lambda: LOG.header, lambda place: bodies[place - 1])
    lines = [seal(each, chain.digest(place)) for place, each in enumerate(bodies, 1)]
    journal = Journal(Log(LOG.header), Lines(lines))  # type: ignore[arg-type]
    journal.lines = 1
    try:
        assert len(list(journal.load(0))) == offset
        found = journal.line(offset)
    except DamagedLog:
        return None
    return b"" if found == lines[-1] else found


def test_every_line_that_was_written_comes_back() -> None:
    for offset in EVENTS:
        assert stored_line(offset, LOG.body(offset)) == b""


MARK = EVENTS[LOG.head - 1]
ROW, BATCH, MANY = EVENTS[3], EVENTS[7], EVENTS[8]
SERVICE, PREDICTIONS = EVENTS[11], EVENTS[13]


@pytest.mark.parametrize(
    ("event", "change"),
    [
        (ROW, {"event_time": ROW["time"]}),
        (ROW, {"features": list(range(7))}),
        (ROW, {"derived_from": []}),
        (MARK, {"meta": {"tags": []}}),
        (MARK, {"meta": {"actor": "x", "tags": []}}),
        (MARK, {"meta": {"actor": None}}),
        (BATCH, {"deleted": False}),
        (BATCH, {"deleted": 1}),
        (BATCH, {"rejected": []}),
        (MANY, {"features": list(range(7))}),
        (MANY, {"entities": [], "columns": [{"list": []}] * 7}),
        (MANY, {"features": [], "columns": []}),
        (MANY, {"event_time": MANY["time"]}),
        (
            SERVICE,
            {"definition": {**SERVICE["definition"], "features": [{"request": "a", "name": "b", "type": "float"}]}},
        ),
        (SERVICE, {"definition": {**SERVICE["definition"], "version": 0}}),
        (SERVICE, {"definition": {**SERVICE["definition"], "owner": ""}}),
        (SERVICE, {"definition": {**SERVICE["definition"], "tags": []}}),
        (EVENTS[2], {"definition": {**EVENTS[2]["definition"], "ttl": 0}}),
        (PREDICTIONS, {"predictions": [{**PREDICTIONS["predictions"][1], "states": ""}]}),
        (PREDICTIONS, {"predictions": [{**PREDICTIONS["predictions"][1], "sources": [[3, 99], None, None]}]}),
    ],
    ids=lambda value: ascii(value)[:50],
)
def test_a_form_that_encode_never_writes(event: dict[str, Any], change: dict[str, Any]) -> None:
    offset = event["offset"]
    body = canonical({**event, **change})[:-1]
    assert stored_line(offset, body) in (None, b"")


@pytest.mark.parametrize(
    "body",
    [
        b'{"offset":1, "time":%d,"type":"log_marked@1","name":"x"' % T0,
        b'{"offset":1,"type":"log_marked@1","time":%d,"name":"x"' % T0,
        b'{"offset":1,"time":%d,"type":"log_marked@1","name":"\\u0078"' % T0,
        b'{"offset":1,"time":%d,"type":"log_marked@1","name":"\\/"' % T0,
        b'{"offset":1,"time":-0,"type":"log_marked@1","name":"x"',
        b'{"offset":1,"time":%d,"type":"log_marked@1","name":"x"\r' % T0,
    ],
)
def test_another_spelling_of_the_same_json(body: bytes) -> None:
    assert stored_line(1, body) in (None, b"")


def with_column(place: int, form: dict[str, Any]) -> dict[str, Any]:
    return {**MANY, "columns": [*MANY["columns"][:place], form, *MANY["columns"][place + 1 :]]}


FLOATS, CODES = MANY["columns"][1]["f64"], MANY["columns"][3]["codes"]


@pytest.mark.parametrize(
    ("place", "form"),
    [
        (1, {"f64": FLOATS, "null": [3]}),
        (1, {"f64": FLOATS, "null": [3], "missing": [3]}),
        (1, {"f64": FLOATS, "missing": list(range(17))}),
        (1, {"f64": FLOATS[:-2] + "B="}),
        (3, {"dict": ["c0", "c1", "c2", "more"], "codes": CODES}),
        (3, {"dict": ["c0", "c0", "c2"], "codes": CODES}),
        (3, {"dict": ["c0", "c1", "c2"], "codes": CODES, "null": [0]}),
        (3, {"codes": CODES, "dict": ["c0", "c1", "c2"]}),
        (6, {"vec": MANY["columns"][6]["vec"], "null": [3]}),
        (6, {"vec": MANY["columns"][6]["vec"], "missing": [3]}),
    ],
    ids=lambda value: str(value)[-40:],
)
def test_a_packed_column_has_one_form(place: int, form: dict[str, Any]) -> None:
    body = canonical(with_column(place, form))[:-1]
    assert stored_line(8, body) in (None, b"")
