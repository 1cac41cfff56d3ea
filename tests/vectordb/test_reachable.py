"""The walk that erasure is judged by finds what was planted, wherever it is."""

from __future__ import annotations

import json
import mmap
import tempfile
from array import array
from base64 import b64encode
from collections import deque
from collections.abc import Iterator
from functools import lru_cache, partial
from io import BytesIO
from operator import itemgetter
from struct import pack
from typing import Any

import pytest

from tests.vectordb.reachable import find_bytes, found_in
from vectordb import Float, Text, Vector, VectorDB

SECRET = "Zebedee-7716"
NUMBER = 734_190_221_553
FLOAT = 0.7716239841
VECTOR = [0.3141, -2.7182, 1.4142, 0.5772]
PACKED = array("f", VECTOR).tobytes()


class Slotted:
    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class Plain:
    def __init__(self, value: Any) -> None:
        self.value = value

    def method(self) -> Any:
        return self.value


def closure(value: Any) -> Any:
    return lambda: value


def cached(value: Any) -> Any:
    held = lru_cache(lambda key: [value])
    held(1)
    return held


def generator(value: Any) -> Iterator[Any]:
    yield None
    yield value


def started(value: Any) -> Any:
    running = generator(value)
    next(running)
    return running


HOLDERS = [
    Slotted, Plain, closure, cached, started, partial(partial, print), itemgetter, deque,
    lambda value: {"a": [value]}, lambda value: {(value,): 1}, lambda value: frozenset([value]),
    lambda value: Plain(Slotted(value)).value, lambda value: iter([0, value]), lambda value: Plain(value).method,
    lambda value: {"a": (value,)}.get,
]  # fmt: skip


@pytest.mark.parametrize("holder", HOLDERS)
def test_a_value_is_found_in_whatever_holds_it(holder: Any) -> None:
    value = SECRET.encode()
    root = holder([value] if holder is deque else value)
    assert find_bytes({"x": root}, [SECRET], packages=())
    assert not find_bytes({"x": root}, ["Zebedee-7717"], packages=())


FORMS = [
    (SECRET, f"to {SECRET}, with"), (SECRET, f"to {SECRET}".encode()), ("Zoë", json.dumps("Zoë")),
    ("Zoë", json.dumps("Zoë").encode()), ("Zoë", "Zoë".encode()),
    (NUMBER, NUMBER), (NUMBER, array("q", [1, NUMBER])), (NUMBER, pack(">q", NUMBER)),
    (FLOAT, FLOAT), (FLOAT, array("d", [1.0, FLOAT])), (FLOAT, b"x" + pack("<d", FLOAT)),
    (VECTOR, tuple(VECTOR)), (VECTOR, list(array("f", VECTOR))), (VECTOR, b"abc" + PACKED + b"de"),
    (VECTOR, array("d", VECTOR)), (VECTOR, array("d", array("f", VECTOR))), (VECTOR, pack("<4e", *VECTOR)),
    (VECTOR, bytearray(PACKED)), (VECTOR, BytesIO(b"-" + PACKED)), (VECTOR, memoryview(b"---" + PACKED)[5:]),
    (VECTOR, int.from_bytes(b"\x01" + PACKED + b"\x01", "little")), (PACKED, array("f", VECTOR)),
    *[(VECTOR, b64encode(bytes(range(1, 1 + place)) + PACKED + b"abcd")) for place in range(4)],
    *[(VECTOR, b64encode(bytes(range(1, 1 + place)) + PACKED).decode()) for place in range(4)],
]  # fmt: skip


@pytest.mark.parametrize("pattern, held", FORMS)
def test_a_value_is_found_in_every_form(pattern: Any, held: Any) -> None:
    assert find_bytes([[held]], [pattern], packages=())


@pytest.mark.parametrize("held", [NUMBER + 1, float(NUMBER), FLOAT + 1e-12, True, [0.5] * 4, PACKED[:-1], range(9)])
def test_other_values_are_not(held: Any) -> None:
    assert find_bytes([held], [NUMBER, FLOAT, VECTOR, SECRET], packages=()) == []


def test_a_view_of_a_part_still_holds_the_whole() -> None:
    assert find_bytes([memoryview(PACKED + b"rest")[len(PACKED) :]], [VECTOR], packages=())


def test_a_mapped_file_is_read() -> None:
    with tempfile.TemporaryFile() as file:
        file.write(b"..." + PACKED)
        file.flush()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as held:
            assert find_bytes([held], [VECTOR], packages=()) == [f"root[0] holds {VECTOR!r}"]


def test_paths_name_the_way() -> None:
    root = Plain({"rows": [Slotted(SECRET)]})
    assert find_bytes(root, [SECRET], packages=()) == [f"root.value['rows'][0].value holds {SECRET!r}"]
    assert find_bytes(SECRET, [SECRET], packages=()) == [f"root holds {SECRET!r}"]
    assert find_bytes({SECRET: 1}, [SECRET], packages=()) == [f"root.key({SECRET!r}) holds {SECRET!r}"]
    assert find_bytes(closure(SECRET), [SECRET], packages=())[0].startswith("root.__closure__[0].cell_contents")


def test_what_is_skipped_is_not_entered_and_the_list_ends() -> None:
    inner = [SECRET]
    assert find_bytes([inner], [SECRET], skip=[inner], packages=()) == []
    assert len(find_bytes([SECRET + str(place) for place in range(50)], [SECRET], packages=(), most=3)) == 3


def test_a_cache_in_our_own_modules_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    import ledger.values.rows

    monkeypatch.setattr(ledger.values.rows, "_planted", [SECRET], raising=False)
    assert find_bytes(None, [SECRET]) == [f"ledger.values.rows['_planted'][0] holds {SECRET!r}"]


def test_a_database_holds_what_was_put() -> None:
    db = VectorDB()
    view = db.create_view("people", entity="person", features={"x": Float(), "note": Text(), "face": Vector(4)})
    view.put("p-1", {"x": FLOAT, "note": SECRET, "face": VECTOR})
    view.put_many({"person": [f"q-{SECRET}"], "x": [1.0], "note": [""], "face": [[1.0, 2.0, 3.0, 9.25]]})
    for pattern in (FLOAT, SECRET, VECTOR, [1.0, 2.0, 3.0, 9.25], f"q-{SECRET}"):
        assert find_bytes(db, [pattern]), pattern
    assert find_bytes(db, [NUMBER, "Zebedee-1", [1.0, 2.0, 3.0, 9.5]]) == []


def test_bytes_of_a_file_are_told() -> None:
    assert found_in(b"{" + SECRET.encode() + b64encode(PACKED), [SECRET, VECTOR, NUMBER]) == [SECRET, VECTOR]
