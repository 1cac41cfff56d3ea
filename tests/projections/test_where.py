"""Filters: what every operator means, beside a judge written from MongoDB's documented semantics."""

from __future__ import annotations

import operator
import pickle
from collections.abc import Callable, Mapping
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from math import inf
from typing import Any

import pytest

from ledger import Bool, Category, FeatureType, Float, Int, Text, Timestamp, Vector
from projections.where import parse_where
from projections.where_tree import All, Either, Leaf, Node, Not, negation_free

KINDS: dict[str, FeatureType] = {
    "trips": Int(),
    "price": Float(),
    "open": Bool(),
    "city": Category(),
    "note": Text(),
    "seen": Timestamp(),
    "profile": Vector(2),
}
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
MICROS = 1_767_225_600_000_000
ABSENT = object()  # no value and no default
NULL = None


def parse(where: Any) -> Node:
    return parse_where(where, KINDS, "drivers@3")


def reader(row: Mapping[str, Any]) -> Callable[[str], tuple[bool, Any]]:
    """A row of present cells and nulls; a feature that is not named is missing, without default."""
    return lambda feature: (feature in row, row.get(feature))


def matches(where: Any, row: Mapping[str, Any]) -> bool:
    return parse(where).test(reader(row))


CASES: list[tuple[str, Any, list[Any], list[Any]]] = [  # feature, condition, cells that match, cells that do not
    ("trips", 3, [3], [4, NULL, ABSENT]),
    ("trips", {"$eq": 3.0}, [3], [4, NULL]),
    ("trips", {"$eq": 9.5}, [], [9, 10, NULL]),
    ("trips", None, [NULL, ABSENT], [0, 3]),
    ("trips", {"$eq": None}, [NULL, ABSENT], [0]),
    ("trips", {"$ne": 3}, [4, NULL, ABSENT], [3]),
    ("trips", {"$ne": None}, [0, 3], [NULL, ABSENT]),
    ("trips", {"$gt": 9.5}, [10], [9, NULL, ABSENT]),
    ("trips", {"$gte": 9.5}, [10], [9, NULL, ABSENT]),
    ("trips", {"$gt": 9}, [10], [9, 8, NULL]),
    ("trips", {"$gte": 9}, [9, 10], [8, NULL]),
    ("trips", {"$lt": 9}, [8, -(2**53)], [9, 10, NULL, ABSENT]),
    ("trips", {"$lte": 9}, [8, 9], [10, NULL, ABSENT]),
    ("trips", {"$lt": inf}, [0, 2**53], [NULL, ABSENT]),
    ("trips", {"$gt": -inf}, [-(2**53)], [NULL, ABSENT]),
    ("trips", {"$lte": 2**60}, [2**53], [NULL]),
    ("trips", {"$eq": 2**60}, [], [2**53]),
    ("trips", {"$lt": 1e300}, [2**53], [NULL]),
    ("trips", {"$gt": 2.0**53 - 1}, [2**53], [2**53 - 1]),
    ("trips", {"$eq": Decimal("4")}, [4], [5]),
    ("trips", {"$gt": Fraction(7, 2)}, [4], [3]),
    ("trips", {"$gte": 10, "$lt": 50}, [10, 49], [9, 50, NULL]),
    ("trips", {"$in": [1, 2.0, None]}, [1, 2, NULL, ABSENT], [3]),
    ("trips", {"$in": []}, [], [1, NULL, ABSENT]),
    ("trips", {"$nin": (1, 2)}, [3, NULL, ABSENT], [1, 2]),
    ("trips", {"$nin": {None}}, [3], [NULL, ABSENT]),
    ("trips", {"$nin": []}, [3, NULL, ABSENT], []),
    ("trips", {"$exists": True}, [0, NULL], [ABSENT]),
    ("trips", {"$exists": False}, [ABSENT], [0, NULL]),
    ("trips", {"$not": {"$gt": 3}}, [3, NULL, ABSENT], [4]),
    ("trips", {"$not": {"$gt": 3, "$lt": 9}}, [3, 9, NULL], [4, 8]),
    ("trips", {"$not": {"$not": {"$gt": 3}}}, [4], [3, NULL]),
    ("trips", {"$gt": 3, "$not": {"$eq": 5}}, [4, 6], [3, 5, NULL]),
    ("price", 0.0, [0.0, -0.0], [5e-324]),
    ("price", {"$lt": 0.0}, [-5e-324], [-0.0, 0.0]),
    ("price", {"$gte": 1}, [1.0, 1.7e308], [0.9999, NULL]),
    ("price", {"$lt": inf}, [1.7e308], [NULL, ABSENT]),
    ("price", Decimal("0.1"), [0.1], [0.1000001]),
    ("open", True, [True], [False, NULL]),
    ("open", {"$ne": True}, [False, NULL], [True]),
    ("open", {"$in": [False, None]}, [False, NULL], [True]),
    ("city", "1", ["1"], [1, NULL]),
    ("city", 1, [1], ["1", NULL]),
    ("city", {"$in": ["Rome", 1]}, ["Rome", 1], ["1", "Oslo"]),
    ("city", {"$gt": "M"}, ["Rome"], ["Athens", 7, NULL]),
    ("city", {"$lte": 5}, [5, -1], [6, "3", "", NULL]),
    ("city", {"$not": {"$lte": 5}}, [6, "3", NULL], [5]),
    ("note", {"$gte": "é"}, ["é", "\uffff", "\U0001f600"], ["e", "z", NULL]),
    ("note", {"$lt": "\U0001f600"}, ["\uffff", ""], ["\U0001f601"]),
    ("seen", NEW_YEAR, [MICROS], [MICROS + 1, NULL]),
    ("seen", {"$gt": "2026-01-01T01:00:00+01:00"}, [MICROS + 1], [MICROS, NULL]),
    ("seen", {"$lte": MICROS / 1e6}, [MICROS, 0], [MICROS + 1, NULL]),
    ("seen", {"$in": [0, NEW_YEAR]}, [0, MICROS], [1, NULL]),
    ("profile", {"$exists": True}, [b"\0" * 8, NULL], [ABSENT]),
    ("profile", {"$exists": False}, [ABSENT], [b"\0" * 8, NULL]),
]


@pytest.mark.parametrize(("feature", "condition", "good", "bad"), CASES, ids=[f"{c[0]}-{c[1]}" for c in CASES])
def test_every_operator_means_what_its_name_says(feature: str, condition: Any, good: list[Any], bad: list[Any]) -> None:
    for cells, expected in ((good, True), (bad, False)):
        for cell in cells:
            row = {} if cell is ABSENT else {feature: cell}
            assert matches({feature: condition}, row) is expected, cell
            assert matches({"$not": {feature: condition}}, row) is not expected, cell
            assert negation_free(parse({"$not": {feature: condition}})).test(reader(row)) is not expected, cell


def test_keys_are_joined_by_and() -> None:
    where = {"city": "Rome", "trips": {"$gte": 10}}
    assert matches(where, {"city": "Rome", "trips": 10})
    assert not matches(where, {"city": "Rome", "trips": 9})
    assert not matches(where, {"city": "Oslo", "trips": 10})


def test_joins() -> None:
    assert matches({"$or": [{"city": "Rome"}, {"trips": 1}]}, {"trips": 1})
    assert not matches({"$or": [{"city": "Rome"}, {"trips": 1}]}, {"trips": 2})
    assert matches({"$and": ({"city": "Rome"}, {"trips": 1})}, {"city": "Rome", "trips": 1})
    assert not matches({"$and": ({"city": "Rome"}, {"trips": 1})}, {"city": "Rome"})
    assert not matches({"$not": {"city": "Rome", "trips": 1}}, {"city": "Rome", "trips": 1})
    assert matches({"$not": {"city": "Rome", "trips": 1}}, {"city": "Rome", "trips": 2})


def test_no_condition_is_no_filter() -> None:
    assert parse({}) == All(())
    assert matches({}, {}) and not matches({"$not": {}}, {}) and matches({"$or": [{"trips": 1}, {}]}, {})


def test_a_default_is_shown_and_does_not_exist() -> None:
    shows_five: Callable[[str], tuple[bool, Any]] = lambda feature: (False, 5)  # noqa: E731
    assert parse({"trips": 5}).test(shows_five)
    assert parse({"trips": {"$gte": 5, "$exists": False}}).test(shows_five)
    assert not parse({"trips": None}).test(shows_five)
    assert parse({"trips": {"$ne": None}}).test(shows_five)


def test_only_what_decides_is_read() -> None:
    asked: list[str] = []

    def read(feature: str) -> tuple[bool, Any]:
        asked.append(feature)
        return True, 1

    assert not parse({"trips": 2, "price": 1.0}).test(read)
    assert parse({"$or": [{"trips": 1}, {"price": 1.0}]}).test(read)
    assert asked == ["trips", "trips"]


def test_the_features_that_are_read() -> None:
    node = parse({"trips": 1, "$or": [{"city": "Rome"}, {"$not": {"price": {"$lt": 2}}}]})
    assert node.features == negation_free(node).features == {"trips", "city", "price"}
    assert parse({}).features == Either(()).features == frozenset()


def test_the_tree_of_one_where() -> None:
    where = {"trips": {"$gte": 10, "$lt": 50}, "$or": [{"city": "Rome"}, {"$not": {"open": True}}]}
    either = Either((Leaf("city", "$eq", "Rome"), Not(Leaf("open", "$eq", True))))
    assert parse(where) == All((Leaf("trips", "$gte", 10), Leaf("trips", "$lt", 50), either))
    assert parse({"$and": [{"$or": [{"trips": 1}]}]}) == Leaf("trips", "$eq", 1), "one part stands for itself"


def test_operands_are_kept_as_cells() -> None:
    numpy = pytest.importorskip("numpy")

    def operand(feature: str, value: Any) -> Any:
        node = parse({feature: {"$eq": value}})
        assert isinstance(node, Leaf)
        return node.value

    kept = [
        (operand("trips", numpy.int16(7)), int, 7),
        (operand("trips", numpy.float64(7.5)), float, 7.5),
        (operand("price", 3), float, 3.0),
        (operand("price", numpy.float32(0.5)), float, 0.5),
        (operand("open", numpy.bool_(True)), bool, True),
        (operand("city", numpy.int64(4)), int, 4),
        (operand("seen", "2026-01-01T00:00:00Z"), int, MICROS),
    ]
    for value, kind, expected in kept:
        assert type(value) is kind and value == expected
    assert parse({"price": {"$lt": numpy.float64(inf)}}) == Leaf("price", "$lt", inf)


def test_a_tree_is_hashable_immutable_and_pickles() -> None:
    where = {"trips": {"$in": [1, 2]}, "$or": [{"city": "Rome"}, {"$not": {"price": 1}}]}
    node, same = parse(where), parse({**where, "trips": {"$in": (2, 1, 2)}})
    assert node == same and hash(node) == hash(same) and len({node, same, negation_free(node)}) == 2
    assert pickle.loads(pickle.dumps(node)) == node
    with pytest.raises(FrozenInstanceError):
        Leaf("a", "$eq", 1).value = 2  # type: ignore[misc]


# -- beside a judge -------------------------------------------------------------------------------------


def judge(where: Mapping[str, Any], document: Mapping[str, Any]) -> bool:
    """MongoDB's query documents, as its manual describes them, over a document whose absent fields are left out."""
    results = []
    for key, value in where.items():
        if key == "$and":
            results.append(all(judge(part, document) for part in value))
        elif key == "$or":
            results.append(any(judge(part, document) for part in value))
        elif key == "$not":
            results.append(not judge(value, document))
        elif isinstance(value, dict):
            results.append(judge_field(key, value, document))
        else:
            results.append(judge_field(key, {"$eq": value}, document))
    return all(results)


def judge_field(field: str, expression: Mapping[str, Any], document: Mapping[str, Any]) -> bool:
    """An operator expression: every operator holds."""
    there, value = field in document, document.get(field)
    comparable = {"$gt": operator.gt, "$gte": operator.ge, "$lt": operator.lt, "$lte": operator.le}
    for name, operand in expression.items():
        if name == "$not":  # "also documents that do not contain the field"
            holds = not judge_field(field, operand, document)
        elif name == "$exists":  # "including documents where the field value is null"
            holds = there if operand else not there
        elif name in comparable:  # type bracketing: only values of the operand's own BSON type
            bracket = str if isinstance(operand, str) else (int, float)
            holds = isinstance(value, bracket) and comparable[name](value, operand)
        elif name in ("$in", "$nin"):
            listed = any(same(value, one) for one in operand)
            holds = listed if name == "$in" else not listed
        else:
            holds = same(value, operand) if name == "$eq" else not same(value, operand)
        if not holds:
            return False
    return True


def same(value: Any, operand: Any) -> bool:
    """Null equals null and absent; numbers are equal by size, whatever their type."""
    if value is None or operand is None:
        return value is operand
    return isinstance(value, str) == isinstance(operand, str) and not value < operand and not operand < value


def strategies() -> tuple[Any, Any]:
    """Filters, and documents that they tell apart."""
    st = pytest.importorskip("hypothesis.strategies")
    whole = st.integers(-2, 2)
    cells = {
        "trips": whole,
        "price": st.sampled_from([-1.5, -0.0, 0.0, 1.0, 1.5]),
        "open": st.booleans(),
        "city": st.sampled_from(["", "1", "2", "Rome"]) | whole,
    }
    operands = {**cells, "trips": whole | st.sampled_from([0.5, 1.0]), "price": cells["price"] | whole}

    def condition(feature: str) -> Any:
        one = operands[feature] | st.none()
        orders = () if feature == "open" else ("$gt", "$gte", "$lt", "$lte")
        names = dict.fromkeys(orders, operands[feature])
        names |= {"$eq": one, "$ne": one, "$in": st.lists(one, max_size=3), "$nin": st.lists(one, max_size=3)}
        flat = st.fixed_dictionaries({}, optional={**names, "$exists": st.booleans()}).filter(bool)
        nested = st.builds(lambda inner, outer: {**outer, "$not": inner}, flat, flat | st.just({}))
        return st.fixed_dictionaries({feature: one | flat | nested})

    leaf = st.sampled_from(sorted(cells)).flatmap(condition)
    wheres = st.recursive(
        leaf | st.just({}),
        lambda part: st.one_of(
            st.lists(part, min_size=1, max_size=3).map(lambda parts: {"$and": parts}),
            st.lists(part, min_size=1, max_size=3).map(lambda parts: {"$or": parts}),
            part.map(lambda inner: {"$not": inner}),
            st.builds(lambda a, b: {**a, **b}, part, part),
        ),
        max_leaves=6,
    )
    nullable = {feature: cell | st.none() for feature, cell in cells.items()}
    return wheres, st.fixed_dictionaries({}, optional=nullable)


def test_it_agrees_with_the_judge_with_and_without_negations() -> None:
    hypothesis = pytest.importorskip("hypothesis")
    wheres, documents = strategies()

    @hypothesis.settings(max_examples=400, deadline=None, derandomize=True, database=None)
    @hypothesis.given(wheres, hypothesis.strategies.lists(documents, min_size=1, max_size=6))
    def check(where: dict[str, Any], rows: list[dict[str, Any]]) -> None:
        node = parse(where)
        plain = negation_free(node)
        assert not contains_not(plain) and negation_free(plain) == plain
        expected = [judge(where, row) for row in rows]
        assert [node.test(reader(row)) for row in rows] == expected
        assert [plain.test(reader(row)) for row in rows] == expected
        assert negation_free(Not(plain)).test(reader(rows[0])) is not expected[0], "flags turn back again"
        bits = sum(bit << place for place, bit in enumerate(expected))
        full = (1 << len(rows)) - 1
        exact = masker(rows)
        assert node.masks(exact, full) == plain.masks(exact, full) == bits
        widened = plain.masks(lambda leaf: exact(leaf) | hash(leaf.feature) & full, full)
        assert widened & bits == bits, "leaves that hold too much leave nothing out"

    check()


def masker(rows: list[dict[str, Any]]) -> Callable[[Leaf], int]:
    """The exact mask of a leaf."""

    def mask(leaf: Leaf) -> int:
        found = 0
        for place, row in enumerate(rows):
            found |= leaf.matches(row.get(leaf.feature), leaf.feature in row) << place
        return found

    return mask


def contains_not(node: Node) -> bool:
    if isinstance(node, (All, Either)):
        return any(map(contains_not, node.parts))
    return isinstance(node, Not)


# -- the normal form and the masks, by hand ---------------------------------------------------------------


def test_the_normal_form_keeps_orders_and_turns_the_rest() -> None:
    assert negation_free(Not(Leaf("a", "$gt", 3))) == Leaf("a", "$gt", 3, negated=True), "not $lte: None matches"
    turned = {"$eq": "$ne", "$ne": "$eq"}
    for name, opposite in turned.items():
        assert negation_free(Not(Leaf("a", name, 3))) == Leaf("a", opposite, 3)
        assert negation_free(Leaf("a", name, 3, negated=True)) == Leaf("a", opposite, 3)
        assert negation_free(Not(Leaf("a", name, 3, negated=True))) == Leaf("a", name, 3)
    assert negation_free(Not(Leaf("a", "$in", frozenset({1})))) == Leaf("a", "$nin", frozenset({1}))
    assert negation_free(Not(Leaf("a", "$nin", frozenset({1})))) == Leaf("a", "$in", frozenset({1}))
    assert negation_free(Not(Leaf("a", "$exists", True))) == Leaf("a", "$exists", False)
    assert negation_free(Not(All(()))) == Either(()) and negation_free(Not(Either(()))) == All(())


def test_masks_stop_when_nothing_can_change() -> None:
    masks = {"a": 0b0011, "b": 0b1100, "c": 0b1010}
    asked: list[str] = []

    def mask(leaf: Leaf) -> int:
        asked.append(leaf.feature)
        return masks[leaf.feature]

    a, b, c = (Leaf(name, "$eq", 1) for name in "abc")
    assert All((a, c)).masks(mask, 0b1111) == 0b0010
    assert Either((a, c)).masks(mask, 0b1111) == 0b1011
    assert Not(c).masks(mask, 0b1111) == 0b0101
    assert All(()).masks(mask, 0b1111) == 0b1111 and Either(()).masks(mask, 0b1111) == 0
    asked.clear()
    assert All((a, b, c)).masks(mask, 0b1111) == 0 and asked == ["a", "b"]
    asked.clear()
    assert Either((a, b, c)).masks(mask, 0b1111) == 0b1111 and asked == ["a", "b"]
