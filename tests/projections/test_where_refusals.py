"""Filters that are refused: each by its rule, with what a caller needs to mend it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from math import inf, nan
from typing import Any

import pytest

from ledger import InvalidInput, InvalidTime, UnknownName, VectorDBError
from projections.where import MAX_DEPTH, MAX_TERMS, MAX_VALUES
from projections.where_tree import All, Leaf
from tests.projections.test_where import parse

REFUSED: list[tuple[Any, str]] = [
    (None, "a where is a mapping"),
    ([], "a where is a mapping"),
    ("city", "a where is a mapping"),
    ({"$and": [{"trips": 1}, 7]}, "a where is a mapping"),
    ({"$not": None}, "a where is a mapping"),
    ({1: 2}, "a key of a where is text"),
    ({"$nor": [{"trips": 1}]}, "a key of a where is a feature or one of these"),
    ({"$gt": 1}, "a key of a where is a feature or one of these"),
    ({"$and": []}, "$and takes a list of at least one where"),
    ({"$or": {"trips": 1}}, "$or takes a list of at least one where"),
    ({"trips": {}}, "a condition names an operator"),
    ({"trips": {"$not": {}}}, "a condition names an operator"),
    ({"trips": {"$not": 3}}, "$not within a condition takes a mapping of operators"),
    ({"trips": {"$regex": "a"}}, "an operator is one of these"),
    ({"trips": {"gt": 1}}, "an operator is one of these"),
    ({"trips": {1: 2}}, "an operator is one of these"),
    ({"trips": {"$and": [{"$gt": 1}]}}, "an operator is one of these"),
    ({"trips": {"$in": "12"}}, "$in and $nin take a list"),
    ({"trips": {"$in": 1}}, "$in and $nin take a list"),
    ({"trips": {"$nin": {1: 2}}}, "$in and $nin take a list"),
    ({"trips": {"$in": [[1]]}}, "an operand is one value"),
    ({"trips": [1, 2]}, "an operand is one value"),
    ({"trips": {"$eq": {"$gt": 1}}}, "an operand is one value"),
    ({"trips": {"$exists": 1}}, "a Bool is True or False"),
    ({"trips": {"$exists": None}}, "a Bool is True or False"),
    ({"trips": {"$gt": None}}, "an order operator takes a value"),
    ({"trips": True}, "a Float is a number"),
    ({"trips": "3"}, "a Float is a number"),
    ({"trips": nan}, "an operand is no NaN"),
    ({"trips": {"$lt": nan}}, "an operand is no NaN"),
    ({"trips": inf}, "an operand is no NaN"),
    ({"price": {"$in": [1.0, -inf]}}, "an operand is no NaN"),
    ({"price": {"$gt": Decimal("NaN")}}, "a Float is finite"),
    ({"price": {"$gt": 10**400}}, "a whole number has at most"),
    ({"price": {"$gt": 2**1024 - 1}}, "a Float fits in float64"),
    ({"trips": {"$gt": 10**5000}}, "a whole number has at most"),
    ({"city": {"$in": [10**5000]}}, "a whole number has at most"),
    ({"price": False}, "a Float is a number"),
    ({"open": 1}, "a Bool is True or False"),
    ({"open": {"$gt": False}}, "a Bool has no order"),
    ({"open": {"$lte": True}}, "a Bool has no order"),
    ({"city": 1.5}, "a Category is a str, or an int"),
    ({"city": {"$gt": True}}, "a Category is a str, or an int"),
    ({"note": 1}, "a Text is a str"),
    ({"note": "\ud800"}, "a Text is encodable"),
    ({"profile": None}, "a Vector is compared by search"),
    ({"profile": [0.0, 1.0]}, "a Vector is compared by search"),
    ({"profile": {"$in": []}}, "a Vector is compared by search"),
]


@pytest.mark.parametrize(("where", "rule"), REFUSED, ids=[f"{rule[:20]}-{n}" for n, (_, rule) in enumerate(REFUSED)])
def test_it_is_refused_by_its_rule(where: Any, rule: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse(where)
    assert refusal.value.rule.startswith(rule)
    assert str(refusal.value).startswith(rule), "the message can be shown, whatever was given"


def test_a_time_is_refused_as_a_time() -> None:
    for value in (datetime(2026, 1, 1), "yesterday", inf):  # noqa: DTZ001
        with pytest.raises(InvalidTime) as refusal:
            parse({"seen": {"$gt": value}})
        assert refusal.value.values == {
            **refusal.value.values,
            "view": "drivers@3",
            "feature": "seen",
            "operator": "$gt",
        }


def test_an_unknown_feature_names_the_known_ones() -> None:
    for where in ({"town": "Rome"}, {"$or": [{"trips": 1}, {"$not": {"town": {"$gt": 1}}}]}):
        with pytest.raises(UnknownName) as refusal:
            parse(where)
        assert refusal.value.values["feature"] == "town" and refusal.value.values["view"] == "drivers@3"
        assert refusal.value.values["known"][:2] == ["trips", "price"]


def test_an_unknown_operator_names_the_known_ones() -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse({"trips": {"$regex": "a"}})
    known = {"$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin", "$exists", "$not"}
    assert set(refusal.value.values["known"]) == known
    assert (refusal.value.values["feature"], refusal.value.values["operator"]) == ("trips", "$regex")
    with pytest.raises(InvalidInput) as refusal:
        parse({"$nor": []})
    assert refusal.value.values["known"] == ["$and", "$or", "$not"]


def nested(levels: int, within: bool = False) -> dict[str, Any]:
    where: dict[str, Any] = {"$gt": 1} if within else {"trips": 1}
    for _ in range(levels):
        where = {"$not": where}
    return {"trips": where} if within else where


@pytest.mark.parametrize("within", [False, True])
def test_depth_is_bounded(within: bool) -> None:
    parse(nested(MAX_DEPTH, within))
    for levels in (MAX_DEPTH + 1, 100_000):
        with pytest.raises(InvalidInput, match="a where nests at most 32 levels"):
            parse(nested(levels, within))
    part = {"$and": [nested(MAX_DEPTH - 1)]}
    parse(part)
    with pytest.raises(InvalidInput, match="a where nests at most"):
        parse({"$or": [part]})


def test_size_is_bounded() -> None:
    node = parse({"$and": [{"trips": n} for n in range(499)]})  # two terms each, and one at the top
    assert isinstance(node, All) and len(node.parts) == 499
    refused: list[Any] = [
        {"$and": [{"trips": n} for n in range(MAX_TERMS)]},
        {"$or": [{}] * 10**6},
        {"trips": {"$not": {"$gt": 1}}, "$and": [{"price": {"$gt": n, "$lt": n + 1}} for n in range(MAX_TERMS // 2)]},
    ]
    for where in refused:
        with pytest.raises(InvalidInput, match="a where has at most 1000 conditions and branches"):
            parse(where)


def test_lists_are_bounded_together() -> None:
    half = list(range(MAX_VALUES // 2))
    node = parse({"trips": {"$in": half, "$nin": half}})
    assert isinstance(node, All) and node.parts[0] == Leaf("trips", "$in", frozenset(half))
    with pytest.raises(InvalidInput, match="a where lists at most 10000 values"):
        parse({"trips": {"$in": half, "$nin": [*half, 1]}})


def test_every_refusal_is_one_of_ours() -> None:
    hypothesis = pytest.importorskip("hypothesis")
    st = hypothesis.strategies
    scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)
    names = [
        "trips",
        "price",
        "open",
        "city",
        "note",
        "seen",
        "profile",
        "$and",
        "$or",
        "$not",
        "$in",
        "$gt",
        "$exists",
    ]
    keys = st.sampled_from(names) | st.text(max_size=3)
    data = st.recursive(scalars, lambda part: st.lists(part, max_size=3) | st.dictionaries(keys, part, max_size=3))

    @hypothesis.settings(max_examples=300, deadline=None, derandomize=True, database=None)
    @hypothesis.given(st.dictionaries(keys, data, max_size=3))
    def check(where: Any) -> None:
        try:
            node = parse(where)
        except VectorDBError as error:
            assert str(error)
        else:
            hash(node)
            assert node.test(lambda feature: (False, None)) in (True, False)

    check()
