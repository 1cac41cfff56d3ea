"""FeatureHasher against scikit-learn's: the same hashes, columns and signs; on items and on columns of features."""

from __future__ import annotations

import pickle
import random
from math import inf, nan

import pytest

from ledger import InvalidInput, NotANumber
from tests.vectordb.transforms.encoders import failed_checks, same_bits, stored, three_ways
from vectordb.transforms import ColumnTransformer, FeatureHasher, OneHotEncoder, Pipeline, dumps, loads
from vectordb.transforms.encoding import murmur3_32


def test_the_hash():
    utils = pytest.importorskip("sklearn.utils")
    rng = random.Random(1)
    for length in range(70):
        for seed in (0, 1, 2**32 - 1):
            data = rng.randbytes(length)
            assert murmur3_32(data, seed) == utils.murmurhash3_32(data, seed=seed)
    assert murmur3_32("é".encode()) == utils.murmurhash3_32("é".encode(), seed=0)


def items(seed: int) -> list[dict]:
    rng = random.Random(seed)
    names = ["dog", "cat", "snake", "größe", "", "a" * 40]
    return [
        {name: rng.choice([0, 1, -2.5, True, "red", "grün", 1e308]) for name in rng.sample(names, rng.randrange(7))}
        for _ in range(30)
    ]


@pytest.mark.parametrize("alternate", [True, False])
@pytest.mark.parametrize("width", [1, 7, 1024, 2**31 - 1])
def test_agrees_with_sklearn(alternate, width):
    extraction = pytest.importorskip("sklearn.feature_extraction")
    rows = items(width)
    narrow = min(width, 1024)
    for kind, given in (
        ("dict", rows),
        ("pair", [list(row.items()) for row in rows]),
        ("string", [list(row) for row in rows]),
    ):
        own = FeatureHasher(narrow, input_type=kind, alternate_sign=alternate)
        other = extraction.FeatureHasher(narrow, input_type=kind, alternate_sign=alternate)
        wanted = other.transform(given).toarray().tolist()
        assert own.transform(given) == wanted == own.transform(iter(given)) == own.fit_transform(given)
        assert [list(own.transform_one(row)) for row in given] == wanted
        assert FeatureHasher._from_sklearn(other).transform(given) == wanted
        assert own._to_sklearn().transform(given).toarray().tolist() == wanted


def test_the_hash_without_a_positive():
    """-2**31 has no absolute value in 32 bits; scikit-learn takes the column of 2**31."""
    for width in (1, 3, 1000, 2**31 - 1):
        assert 2**31 % width == (2147483647 - (width - 1)) % width


def test_columns_are_items_by_feature_name():
    rows = [
        {"city": "a", "age": 3.0, "n": 2},
        {"city": None, "age": nan, "n": 0},
        {"city": "größe", "age": -1.5, "n": 7},
    ]
    own = FeatureHasher(16)
    wanted = own.transform(rows)
    assert wanted[1] == [0.0] * 16
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    assert own.transform(columns) == wanted
    fitted = FeatureHasher(16).fit(columns)
    listed = [list(row.values()) for row in rows]
    assert same_bits(three_ways(fitted, listed), wanted)
    assert same_bits(three_ways(stored(fitted), listed), wanted)
    assert same_bits(fitted.transform(columns), wanted)
    assert same_bits(stored(own).transform(rows), wanted)


def test_names_are_not_mixed_up():
    own = FeatureHasher(64)
    one, other = own.transform({"a": [1.0]}), own.transform({"b": [1.0]})
    assert one != other and one == own.transform([{"a": 1.0}])


def test_in_a_chain():
    rows = {"city": ["a", "b", "a"], "kind": ["x", "y", None]}
    chain = Pipeline([("hot", OneHotEncoder()), ("hash", FeatureHasher(8))]).fit(rows)
    made = chain.transform(rows)
    listed = list(map(list, zip(*rows.values())))
    assert same_bits(three_ways(chain, listed), made)
    assert same_bits(loads(dumps(chain)).transform(rows), made)
    assert chain.get_feature_names_out() == [f"featurehasher{place}" for place in range(8)]
    side = ColumnTransformer([("hash", FeatureHasher(4), ["kind"]), ("hot", OneHotEncoder(), ["city"])]).fit(rows)
    assert same_bits(three_ways(side, listed), side.transform(rows))


def test_what_it_keeps_is_bounded():
    from vectordb.transforms.encoding.hasher import KEPT, Hashed

    hashed = Hashed(8, True, ("name",))
    for number in range(KEPT + 100):
        assert hashed(str(number)) == FeatureHasher(8).transform([{"name": str(number)}])[0]
    assert len(hashed.slots[0][1]) == KEPT
    assert pickle.loads(pickle.dumps(hashed))("x") == hashed("x")


@pytest.mark.parametrize("parameters", [{"n_features": 0}, {"n_features": 2.0}, {"n_features": 2**31},
                                        {"input_type": "rows"}, {"alternate_sign": 1}], ids=str)
def test_parameters_refused(parameters):
    with pytest.raises(InvalidInput):
        FeatureHasher(**parameters).fit()
    with pytest.raises(InvalidInput):
        FeatureHasher(**parameters).transform([{"a": 1}])


def test_items_refused():
    own = FeatureHasher(8)
    for rows in ([], [{"a": inf}], [{"a": 1}, 3]):
        with pytest.raises(InvalidInput):
            own.transform(rows)
    for rows in ([{1: 2}], [{"a": b"x"}], [{"a": ["x"]}]):
        with pytest.raises(NotANumber):
            own.transform(rows)
    with pytest.raises(InvalidInput, match="single string"):
        FeatureHasher(8, input_type="string").transform(["ab"])
    with pytest.raises(InvalidInput, match="at most"):
        FeatureHasher(2**20).transform([["a"]])


def test_estimator_checks():
    pytest.importorskip("sklearn")
    assert failed_checks(FeatureHasher()) == []
