"""Names, entity ids and version ids: what each may be, and that its text leads back to it."""

from __future__ import annotations

import pytest

from ledger import (
    ROW_MASK,
    InvalidEntity,
    InvalidName,
    InvalidVersion,
    VersionId,
    check_entity,
    check_name,
    entity_from_json,
    entity_to_json,
    parse_version,
    render_entity,
    render_version,
)
from tests.ledger.making import Colour

ENTITIES = [
    "d-7",
    "7",
    7,
    -7,
    0,
    2**53 + 1,
    -(2**4095),
    "é",
    "a@1",
    "a/b@2.3",
    "@",
    ".",
    "a.5",
    '"',
    "[",
    "-1",
    " x",
    "x\ny",
    "\n",
    "\x7f",
    "null",
    "true",
    "NaN",
    "　",
    ("eu", 7),
    ("eu", "7"),
    ("a",),
    (7,),
    ("", "x")[1:],
]


@pytest.mark.parametrize("entity", ENTITIES, ids=repr)
def test_an_entity_keeps_its_type(entity: object) -> None:
    found = check_entity(entity)
    assert found == entity
    assert type(found) is type(entity)


class Whole:
    def __index__(self) -> int:
        return 9


class Id(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "something else"


def test_other_ints_and_strs_become_plain_ones() -> None:
    assert (check_entity(Whole()), type(check_entity(Whole()))) == (9, int)
    assert type(check_entity(Id("x"))) is str
    assert check_entity((Whole(), "x")) == (9, "x")


@pytest.mark.parametrize("given", [Colour.RED, Id("red")], ids=["enum", "subclass"])
def test_a_str_of_another_class_is_the_text_that_it_is(given: str) -> None:
    assert given == "red"
    assert check_entity(given) == "red"
    assert check_entity((given, 1)) == ("red", 1)
    assert check_name(given) == "red"


@pytest.mark.parametrize(
    "given",
    [
        True,
        False,
        None,
        1.0,
        float("nan"),
        "",
        (),
        ("",),
        ("a", True),
        ("a", 1.0),
        ("a", None),
        (("a",),),
        ("a", ("b",)),
        b"d-7",
        bytearray(b"x"),
        ["a"],
        {"a"},
        {},
        "\ud800",
        ("\udfff",),
        1j,
        2**4096,
        object(),
    ],
    ids=lambda given: repr(given)[:20],
)
def test_what_is_not_an_entity_is_refused(given: object) -> None:
    with pytest.raises(InvalidEntity):
        check_entity(given)


def test_numpy_ints_and_strs_are_entities_and_other_scalars_are_not() -> None:
    numpy = pytest.importorskip("numpy")
    for given, plain in [(numpy.int64(7), 7), (numpy.uint8(7), 7), (numpy.str_("7"), "7")]:
        assert check_entity(given) == plain
        assert type(check_entity(given)) is type(plain)
    for refused in (numpy.float64(7), numpy.float32(7), numpy.True_, numpy.bytes_(b"7"), numpy.datetime64("2026")):
        with pytest.raises(InvalidEntity):
            check_entity(refused)


def test_entities_keep_apart_in_json() -> None:
    forms = [entity_to_json(entity) for entity in (1, "1", (1,), ("1",))]
    assert forms == [1, "1", [1], ["1"]]
    assert [entity_from_json(form) for form in forms] == [1, "1", (1,), ("1",)]


@pytest.mark.parametrize("form", [None, True, 1.5, {}, [], [[1]], [None], "", [""], (1,), "\ud800"], ids=repr)
def test_a_stored_entity_is_a_string_number_or_array(form: object) -> None:
    with pytest.raises(InvalidEntity):
        entity_from_json(form)


def test_renderings_differ_for_different_entities() -> None:
    assert len({render_entity(entity) for entity in ENTITIES}) == len(ENTITIES)


@pytest.mark.parametrize("rows", [1, 2])
@pytest.mark.parametrize("entity", ENTITIES, ids=repr)
def test_a_version_id_leads_back_to_its_parts(entity: object, rows: int) -> None:
    text = render_version("drivers", entity, 42 << 24 | 3, rows)
    assert parse_version(text) == VersionId("drivers", entity, 42, 3 if rows > 1 else None)
    assert parse_version(text).ref == (42 << 24 | 3 if rows > 1 else 42 << 24)


def test_a_version_id_is_readable() -> None:
    assert render_version("drivers", "d-7", 42 << 24) == "drivers/d-7@42"
    assert render_version("drivers", "7", 42 << 24 | 1, 2) == 'drivers/"7"@42.1'
    assert render_version("drivers", ("eu", 7), 42 << 24) == 'drivers/["eu",7]@42'


@pytest.mark.parametrize(
    "given",
    [
        "",
        "drivers",
        "drivers/d-7",
        "drivers/@1",
        "d-7@1",
        "/d-7@1",
        "1x/d-7@1",
        "drivers/d-7@0",
        "drivers/d-7@01",
        "drivers/d-7@-1",
        "drivers/d-7@1.",
        "drivers/d-7@1.x",
        "drivers/d-7@1.2.3x",
        "drivers/d-7@1\n",
        "drivers/[@1",
        "drivers/[]@1",
        "drivers/1.5@1",
        "drivers/[[1]]@1",
        'drivers/""@1',
        "drivers/-@1",
        "drivers/\n@1",
        "drivers/d@9999999999999",
        None,
        7,
        b"drivers/d-7@1",
        'drivers/"\\ud800"@1',
    ],
    ids=repr,
)
def test_other_texts_are_no_version_ids(given: object) -> None:
    with pytest.raises(InvalidVersion):
        parse_version(given)


def test_deep_nesting_in_a_version_id_is_refused() -> None:
    with pytest.raises(InvalidVersion):
        parse_version(f"drivers/{'[' * 100_000}@1")


@pytest.mark.parametrize("row", [ROW_MASK + 1, 99_999_999])
def test_a_row_beyond_the_largest_names_no_other_events_row(row: int) -> None:
    try:
        found = parse_version(f"drivers/d-7@2.{row}")
    except InvalidVersion:
        return
    assert found.ref >> 24 == 2


@pytest.mark.parametrize(
    "text",
    ['drivers/"d-7"@2', "drivers/ 7@2", "drivers/7 @2", "drivers/d-7@2.007", "drivers/[1, 2]@2", 'drivers/"\\u0037"@2'],
)
def test_one_version_has_one_id(text: str) -> None:
    """Rendering is injective, so any other spelling is a mistake, not a second name."""
    try:
        found = parse_version(text)
    except InvalidVersion:
        return
    assert render_version(found.collection, found.entity, found.ref, 1 if found.row is None else 2) == text


@pytest.mark.parametrize("name", ["a", "_", "A9_z", "a" * 1000])
def test_a_name_is_an_identifier(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", "9a", "a-b", "a b", "é", "a\n", " a", "a.b", None, 7, b"a", "٣a", "a٣"], ids=repr)
def test_other_names_are_refused(name: object) -> None:
    with pytest.raises(InvalidName) as caught:
        check_name(name, "feature")
    assert caught.value.values == {"feature": name}
