"""OneHotEncoder in pieces, and through its file."""

from __future__ import annotations

import json
from math import nan

import pytest

from ledger import InvalidInput
from tests.vectordb.transforms.encoders import same_bits, stored
from vectordb.transforms import OneHotEncoder, dumps, loads, transformer_from_dict

pytest.importorskip("hypothesis")

from hypothesis import given, settings
from hypothesis import strategies as st

CELLS = st.sampled_from(["a", "b", "c", None, nan, 1, 1.0, True, 2, 0.0, -0.0])


@settings(deadline=None, max_examples=60)
@given(st.lists(CELLS, min_size=1, max_size=12), st.lists(CELLS, min_size=1, max_size=12))
def test_in_pieces(first, second):
    one, other = ([[value] for value in part] for part in (first, second))
    parameters = {"min_frequency": 2, "handle_unknown": "ignore"}
    both = OneHotEncoder(**parameters).fit(one + other)
    a, b = OneHotEncoder(**parameters).fit(one), OneHotEncoder(**parameters).fit(other)
    assert dumps(a.merge(b)) == dumps(b.merge(a)) == dumps(both)
    assert dumps(a.merge(b).retract(b)) == dumps(a)
    assert repr(a.merge(b).retract(b).categories_) == repr(a.categories_)
    assert dumps(OneHotEncoder(**parameters).partial_fit(one).partial_fit(other)) == dumps(both)
    assert same_bits(stored(both).transform(one), both.transform(one))


def test_pieces_refused():
    own = OneHotEncoder().fit([["a"], ["b"]])
    with pytest.raises(InvalidInput):
        own.retract(OneHotEncoder().fit([["c"]]))
    with pytest.raises(InvalidInput):
        own.retract(OneHotEncoder().fit([["a"], ["a"]]))
    with pytest.raises(InvalidInput):
        own.merge(OneHotEncoder(drop="first").fit([["a"]]))
    nothing = own.retract(own)
    assert nothing.categories_ == ((),) and nothing.get_feature_names_out() == []
    assert dumps(nothing.merge(own)) == dumps(own)
    assert dumps(stored(nothing)) == dumps(nothing)


def test_made_from_sklearn_has_no_counts():
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    own = OneHotEncoder._from_sklearn(preprocessing.OneHotEncoder().fit([["a"], ["b"]]))
    with pytest.raises(InvalidInput, match="no counts"):
        own.partial_fit([["a"]])
    with pytest.raises(InvalidInput, match="no counts"):
        OneHotEncoder().fit([["a"]]).merge(own)


def bare(categories, places) -> dict:
    """What is stored of an encoder without counts."""
    return {"sums_": None, "categories_": categories, "infrequent_places_": places}


def spoilt(change) -> dict:
    form = json.loads(dumps(OneHotEncoder().fit([["a", 1], ["b", 2]])))
    change(form["fitted"])
    return form


@pytest.mark.parametrize(
    "change, place",
    [
        (lambda fitted: fitted.update(sums_=None), "categories_"),
        (lambda fitted: fitted.update(sums_=[]), "sums_"),
        (lambda fitted: fitted.update(sums_=7), "sums_"),
        (lambda fitted: fitted.update(categories_=[["a"], [1]]), "categories_"),
        (lambda fitted: fitted["sums_"][0].append(["a", 1]), "sums_[0][2]"),
        (lambda fitted: fitted["sums_"][0].append(["c", 0]), "sums_[0][2]"),
        (lambda fitted: fitted["sums_"][0].append(["c", 1]), "sums_"),
        (lambda fitted: fitted["sums_"][0].append([{"float": "inf"}, 1]), "sums_[0][2]"),
        (lambda fitted: fitted["sums_"][0].append("a"), "sums_[0][2]"),
        (lambda fitted: fitted["sums_"][0].append(["c", 1.5]), "sums_[0][2]"),
        (lambda fitted: fitted.pop("sums_"), "fitted"),
        (lambda fitted: fitted.update(bare([["a"]], [None, None])), "categories_"),
        (lambda fitted: fitted.update(bare([["a"], [1, 1]], [None, None])), "categories_"),
        (lambda fitted: fitted.update(bare([["a"], [1]], [None, [1]])), "infrequent_places_[1]"),
        (lambda fitted: fitted.update(bare([["a"], [1]], [None, []])), "infrequent_places_[1]"),
        (lambda fitted: fitted.update(bare([["a"], [1]], [None])), "infrequent_places_"),
    ],
)
def test_malformed_files(change, place):
    with pytest.raises(InvalidInput) as caught:
        transformer_from_dict(spoilt(change))
    assert place in str(caught.value)


def test_file_whose_drop_does_not_fit():
    form = json.loads(dumps(OneHotEncoder(drop=["a"]).fit([["a"], ["b"]])))
    form["parameters"]["drop"] = ["q"]
    with pytest.raises(InvalidInput):
        loads(json.dumps(form))
