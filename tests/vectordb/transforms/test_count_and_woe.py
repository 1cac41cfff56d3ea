"""CountEncoder and WOEEncoder against their formulas, in three ways, in pieces, and through their files."""

from __future__ import annotations

import json
import random
from collections import Counter
from math import inf, isclose, log, nan

import pytest

from ledger import CannotTransform, InvalidInput
from tests.vectordb.transforms.encoders import failed_checks, same_bits, stored, three_ways
from vectordb.transforms import CountEncoder, WOEEncoder, dumps, transformer_from_dict

pytest.importorskip("hypothesis")

from hypothesis import given, settings
from hypothesis import strategies as st


def sample(seed: int, rows: int = 60) -> list[list]:
    rng = random.Random(seed)
    return [[rng.choice(["a", "b", None, nan]), rng.choice([1.0, 2.0, nan])] for _ in range(rows)]


def key(value):
    return repr(value)


@pytest.mark.parametrize("normalize", [False, True])
def test_counts(normalize):
    rows = sample(1)
    counts = [Counter(key(row[place]) for row in rows) for place in range(2)]
    own = CountEncoder(normalize=normalize).fit(rows)
    total = len(rows) if normalize else 1
    wanted = [[count[key(value)] / total for value, count in zip(row, counts)] for row in rows]
    assert three_ways(own, rows) == wanted
    assert three_ways(own, [["unseen", 9.0]]) == [[0.0, 0.0]]
    assert same_bits(stored(own).transform(rows), wanted)
    assert own.get_feature_names_out() == ["x0", "x1"]


def test_unknown_counts_refused():
    own = CountEncoder(handle_unknown="error").fit([["a"]])
    with pytest.raises(CannotTransform):
        own.transform_one(["b"])
    for parameters in ({"handle_unknown": "ignore"}, {"normalize": 1}):
        with pytest.raises(InvalidInput):
            CountEncoder(**parameters).fit([["a"]])


@pytest.mark.parametrize("strength", [0.5, 1.0, 1e-300, 1e300])
def test_weight_of_evidence(strength):
    rows, rng = sample(2), random.Random(3)
    y = [rng.choice(["bad", "good", "good"]) for _ in rows]
    own = WOEEncoder(regularization=strength).fit(rows, y)
    positive, negative = y.count("good"), y.count("bad")
    for place in range(2):
        for row in rows:
            beside = Counter(label for other, label in zip(rows, y) if key(other[place]) == key(row[place]))
            top = log((beside["good"] + strength) / (positive + 2 * strength))
            bottom = log((beside["bad"] + strength) / (negative + 2 * strength))
            assert isclose(own.transform_one(row)[place], top - bottom, rel_tol=1e-12, abs_tol=1e-12)
    made = three_ways(own, rows)
    assert own.classes_ == ("bad", "good")
    assert three_ways(own, [["unseen", 9.0]]) == [[0.0, 0.0]]
    assert same_bits(stored(own).transform(rows), made)


def test_evidence_beyond_the_range_of_a_ratio():
    own = WOEEncoder(regularization=5e-324).fit([["a"], ["b"]], [1, 0])
    assert isclose(own.encodings_[0][0], -log(5e-324), rel_tol=1e-12)
    assert own.encodings_[0][1] == -own.encodings_[0][0]


@pytest.mark.parametrize("parameters", [{"regularization": 0}, {"regularization": inf}, {"regularization": nan},
                                        {"regularization": "1"}, {"handle_unknown": "ignore"}], ids=str)
def test_parameters_refused(parameters):
    with pytest.raises(InvalidInput):
        WOEEncoder(**parameters).fit([["a"], ["b"]], [0, 1])


@pytest.mark.parametrize("y", [[0, 1, 2], ["x", "x", "x"], [0, None, 1], None, [0, 1]], ids=str)
def test_targets_refused(y):
    with pytest.raises(InvalidInput):
        WOEEncoder().fit([["a"], ["b"], ["a"]], y)


def test_one_label_alone():
    assert WOEEncoder().fit([["a"]], [1]).encodings_ == ((log(2 * 2 / (3 * 1)),),)
    assert WOEEncoder().fit([["a"]], [False]).encodings_ == ((log(1 * 3 / (2 * 2)),),)
    with pytest.raises(CannotTransform):
        WOEEncoder(handle_unknown="error").fit([["a"]], [1]).transform([["b"]])


def test_a_refused_piece_changes_nothing():
    own = WOEEncoder().fit([["a"], ["b"]], [0, 1])
    before = dumps(own)
    with pytest.raises(InvalidInput):
        own.partial_fit([["a"]], [2])
    assert dumps(own) == before == dumps(stored(own))


CELLS = st.lists(st.tuples(st.sampled_from(["a", "b", None, nan, 1, 1.0]), st.booleans()), min_size=1, max_size=8)


@settings(deadline=None, max_examples=60)
@given(CELLS, CELLS)
def test_in_pieces(first, second):
    for kind in (CountEncoder, WOEEncoder):
        a, b, both = (
            kind().fit([[value] for value, _ in part], [label for _, label in part])
            for part in (first, second, first + second)
        )
        assert dumps(a.merge(b)) == dumps(b.merge(a)) == dumps(both)
        assert dumps(a.merge(b).retract(b)) == dumps(a)
        rows = [[value] for value, _ in first]
        assert same_bits(a.merge(b).transform(rows), both.transform(rows))
        assert same_bits(a.merge(b).retract(b).transform(rows), a.transform(rows))


@pytest.mark.parametrize("sums", [None, [], {"target": "labels", "features": [[["a", []]]]},
                                  {"target": "numbers", "features": [[["a", [1, 1, 1, 1]]]]},
                                  {"target": "labels", "features": [[["a", [[2, 1]]]]]},
                                  {"target": [], "features": []}], ids=str)
def test_malformed_files(sums):
    for kind in (CountEncoder, WOEEncoder):
        form = json.loads(dumps(kind().fit([["a"]], [1])))
        form["fitted"]["sums_"] = sums
        with pytest.raises(InvalidInput):
            transformer_from_dict(form)


def test_estimator_checks():
    pytest.importorskip("sklearn")
    assert failed_checks(CountEncoder()) == []
    assert failed_checks(WOEEncoder()) == []
