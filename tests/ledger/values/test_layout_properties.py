"""The generated functions against the loops that judge them."""

from __future__ import annotations

import struct
from typing import Any

import pytest

pytest.importorskip("hypothesis")

from hypothesis import given
from hypothesis import strategies as st

from ledger import ABSENT, MISSING, NULL, InvalidInput, VectorDBError, header_of, words_of
from ledger.values.layouts import Layouts
from tests.ledger.drawn import anything, checked_rows, few, layouts, values_of
from tests.ledger.making import T0, definition


def outcome(function: Any, *arguments: Any) -> Any:
    """What a call gave, types and bits of floats told apart, or how it refused."""
    try:
        return exact(function(*arguments))
    except VectorDBError as error:
        return type(error), str(error)


def exact(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value), [exact(item) for item in value]
    return type(value), struct.pack("d", value) if type(value) is float else value


@few
@given(layouts, st.data())
def test_the_generated_encoder_agrees_with_the_loop(layout: Any, data: st.DataObject) -> None:
    row = data.draw(st.fixed_dictionaries({}, optional=dict.fromkeys((*layout.names, "other"), anything)))
    assert outcome(layout.encode, row) == outcome(layout.encode_slowly, row)


@few
@given(layouts, st.data())
def test_the_generated_encoder_agrees_with_the_loop_on_good_rows(layout: Any, data: st.DataObject) -> None:
    row = {name: data.draw(values_of(kind)) for name, kind in layout.features.items()}
    assert outcome(layout.encode, row) == outcome(layout.encode_slowly, row)


@few
@given(layouts, st.data())
def test_the_generated_decoder_agrees_with_the_loop(layout: Any, data: st.DataObject) -> None:
    cells = data.draw(checked_rows(layout))
    stored = [c if c is None or c is MISSING else k.to_json(c) for k, c in zip(layout.types, cells, strict=True)]
    assert exact(layout.decode(stored)) == exact(cells) == outcome(layout.decode_slowly, stored)
    place = data.draw(st.integers(0, len(stored) - 1))
    stored[place] = data.draw(anything)
    assert outcome(layout.decode, stored) == outcome(layout.decode_slowly, stored)


@few
@given(layouts, st.data(), st.integers(1, 2**38), st.integers(-(2**53), 2**53))
def test_packing_keeps_every_bit(layout: Any, data: st.DataObject, ref: int, event_time: int) -> None:
    cells = data.draw(checked_rows(layout))
    row = layout.pack(ref, event_time, cells)
    assert exact(layout.cells(row)) == exact(list(cells))
    assert header_of(row)[:2] == (ref, event_time)
    words = words_of(row)
    for slot, cell in zip(layout.slots, cells, strict=True):
        assert (words[slot] == ABSENT) == (cell is MISSING)
        assert (words[slot] == NULL) == (cell is None)
    sparse, tail = layout._sparse_words(list(cells))
    assert layout.words.pack(ref, event_time, header_of(row)[2], *sparse) + b"".join(tail) == row


@few
@given(layouts, st.data())
def test_slots_of_later_versions_do_not_move_earlier_ones(layout: Any, data: st.DataObject) -> None:
    defined = Layouts(layout.pool)
    first = defined.define(definition(**layout.features))
    kept = data.draw(st.lists(st.sampled_from(layout.names), unique=True))
    second = defined.define(
        definition(version=2, **{name: layout.features[name] for name in kept}, other=layout.types[0])
    )
    cells = data.draw(checked_rows(second))
    row = second.pack(1 << 24, T0, cells)
    assert exact(second.cells(row)) == exact(list(cells))
    words = words_of(row)
    for name, slot in zip(first.names, first.slots, strict=True):
        assert name in kept or words[slot] == ABSENT


@few
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_no_finite_float_is_a_sentinel(value: float) -> None:
    assert struct.unpack("=q", struct.pack("=d", value))[0] not in (ABSENT, NULL)


@few
@given(anything)
def test_a_check_gives_a_cell_that_its_type_takes_again(value: Any) -> None:
    for kind in Layouts().define(definition()).types:
        try:
            cell = kind.check(value)
        except InvalidInput:
            continue
        assert exact(kind.from_json(kind.to_json(cell))) == exact(cell)
