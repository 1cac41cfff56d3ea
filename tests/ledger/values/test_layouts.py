"""Layouts by version: what a view may become."""

from __future__ import annotations

from typing import Any

import pytest

from ledger import Category, DefinitionConflict, Float, Int, InvalidInput, Pool, Text, Timestamp, UnknownName, Vector
from ledger.values.layouts import Layouts
from tests.ledger.making import definition


def defined(*versions: dict[str, Any]) -> Layouts:
    layouts = Layouts()
    for place, features in enumerate(versions):
        layouts.define(definition(version=place + 1, **features))
    return layouts


def test_each_version_has_its_layout_and_the_newest_is_known() -> None:
    layouts = defined({"a": Int()}, {"a": Int(), "b": Float()})
    assert layouts["drivers@1"].names == ("a",)
    assert layouts.newest("drivers") is layouts["drivers@2"]
    assert layouts.counts() == {"drivers": 2}
    assert layouts["drivers@2"].pool is layouts["drivers@1"].pool


@pytest.mark.parametrize("label", ["drivers", "drivers@2", "drivers@01", "", None, 7, ["drivers@1"], {}])
def test_a_row_of_an_undefined_version_is_refused(label: Any) -> None:
    with pytest.raises(InvalidInput):
        defined({"a": Int()})[label]


def test_an_unknown_view_is_named_with_those_that_exist() -> None:
    with pytest.raises(UnknownName) as caught:
        defined({"a": Int()}).newest("riders")
    assert caught.value.values == {"view": "riders", "known": ["drivers"]}


@pytest.mark.parametrize("version", [0, 1, 3, -1])
def test_versions_count_up_by_one(version: int) -> None:
    layouts = defined({"a": Int()})
    with pytest.raises(InvalidInput, match="count up"):
        layouts.define(definition(version=version, a=Int()))
    assert layouts.counts() == {"drivers": 1}


@pytest.mark.parametrize(
    ("was", "now"),
    [
        (Int(), Float()), (Int(), Timestamp()), (Text(), Category()),
        (Vector(2), Vector(3)), (Vector(2), Vector(2, metric="dot")), (Vector(2), Vector(2, dtype="float16")),
        (Vector(2, metric="minkowski", p=2), Vector(2, metric="minkowski", p=3)),
    ],
    ids=repr,
)  # fmt: skip
def test_a_feature_keeps_its_shape_for_ever(was: Any, now: Any) -> None:
    layouts = defined({"a": was}, {"b": Int()})
    with pytest.raises(DefinitionConflict) as caught:
        layouts.define(definition(version=3, a=now))
    assert caught.value.values["changed"] == {"a": {"was": was.shape(), "now": now.shape()}}
    assert layouts.define(definition(version=3, a=was)).slots == (0,)


def test_defaults_descriptions_and_limits_may_change() -> None:
    layouts = defined({"a": Text()}, {"a": Text(default="x", max_bytes=9, description="new")})
    assert layouts.newest("drivers").slots == (0,)


def test_a_removed_feature_resumes_its_slot() -> None:
    layouts = defined({"a": Int(), "b": Float()}, {"c": Category(), "b": Float()}, {"a": Int(), "c": Category()})
    assert [layouts[f"drivers@{version}"].slots for version in (1, 2, 3)] == [(0, 1), (2, 1), (0, 2)]
    assert [layouts[f"drivers@{version}"].slot_words for version in (1, 2, 3)] == ["qd", "qdq", "qdq"]
    assert layouts.slots("drivers") == {"a": 0, "b": 1, "c": 2}
    assert layouts.coded_slots("drivers") == (2,)


def test_views_share_one_pool_and_nothing_else() -> None:
    pool = Pool()
    layouts = Layouts(pool)
    layouts.define(definition("drivers", a=Int()))
    layouts.define(definition("riders", a=Float()))
    assert layouts.newest("riders").types == (Float(),)
    assert layouts.newest("riders").pool is pool is layouts.newest("drivers").pool
    assert layouts.counts() == {"drivers": 1, "riders": 1}
