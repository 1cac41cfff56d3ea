"""MinMaxScaler and MaxAbsScaler against scikit-learn's, in pieces, and through their files."""

from __future__ import annotations

from fractions import Fraction
from math import inf, nan

import pytest

from ledger import InvalidInput, NotFitted
from tests.vectordb.transforms.agreement import (
    EXTREMES,
    close,
    failed_checks,
    holds,
    refuses_changed,
    refuses_infinities_and_words,
    same_bits,
    sample,
    stored,
)
from vectordb.transforms import MaxAbsScaler, MinMaxScaler, dumps, from_sklearn, to_sklearn

pytest.importorskip("hypothesis")

from hypothesis import given, settings
from hypothesis import strategies as st

DEFINITIONS = [
    (MinMaxScaler, {}),
    (MinMaxScaler, {"clip": True}),
    (MinMaxScaler, {"feature_range": (-1, 2.5)}),
    (MinMaxScaler, {"feature_range": (-3.0, -2.0), "clip": True}),
    (MaxAbsScaler, {}),
    (MaxAbsScaler, {"clip": True}),
]
LEARNT = {
    MinMaxScaler: ("data_min_", "data_max_", "data_range_", "scale_", "min_"),
    MaxAbsScaler: ("max_abs_", "scale_"),
}


def theirs(kind, parameters):
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    try:
        return getattr(preprocessing, kind.__name__)(**parameters)
    except TypeError:
        pytest.skip("this scikit-learn has no such parameter")


@pytest.mark.parametrize("kind, parameters", DEFINITIONS, ids=str)
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.filterwarnings("ignore:All-NaN")
def test_agrees_with_sklearn(kind, parameters, seed):
    numpy = pytest.importorskip("numpy")
    tables = [sample(seed), sample(seed, rows=1), sample(seed, missing=0.0), [[*row, nan] for row in sample(seed)]]
    for rows in tables:
        fresh = [[*row, 1.0][: len(rows[0])] for row in sample(seed + 50)]
        other, own = theirs(kind, parameters).fit(numpy.array(rows)), kind(**parameters).fit(rows)
        for name in LEARNT[kind]:
            assert close([getattr(own, name)], [getattr(other, name)])
        assert own.n_samples_seen_ == other.n_samples_seen_
        made = holds(own, fresh)
        assert close(made, other.transform(numpy.array(fresh)), slack=1e-15)
        assert close(own.inverse_transform(made), other.inverse_transform(numpy.array(made)), slack=1e-15)
        assert own.get_feature_names_out() == other.get_feature_names_out().tolist()
        taken = from_sklearn(other)
        assert same_bits(holds(taken, fresh), other.transform(numpy.array(fresh)).tolist())
        assert same_bits(to_sklearn(own).transform(numpy.array(fresh)).tolist(), made)


@pytest.mark.parametrize("kind, parameters", DEFINITIONS, ids=str)
@pytest.mark.parametrize("name", EXTREMES)
def test_extremes_hold(kind, parameters, name):
    rows = EXTREMES[name]
    made = holds(kind(**parameters).fit(rows), rows)
    assert all(value - value == 0.0 for row, given in zip(made, rows) for value, x in zip(row, given) if x == x)


def test_a_range_beyond_floats():
    own = MinMaxScaler().fit([[-1.7e308], [1.7e308]])
    assert own.data_range_ == (inf,)
    assert stored(own).data_range_ == (inf,)
    for value in (-1.7e308, 0.0, 1e307, 1.7e308):
        wanted = (Fraction(value) + Fraction(1.7e308)) / (2 * Fraction(1.7e308))
        ((found,),) = holds(own, [[value]])
        assert abs(Fraction(found) - wanted) < Fraction(1, 10**12)
    numpy = pytest.importorskip("numpy")
    with numpy.errstate(all="ignore"):
        other = theirs(MinMaxScaler, {}).fit(numpy.array([[-1.7e308], [1.7e308]]))
    with pytest.raises(InvalidInput, match="finite"):  # its scale is 0
        from_sklearn(other)


def test_values_beyond_the_fit():
    assert MinMaxScaler().fit([[1.0], [3.0]]).transform([[5.0], [-1.0]]) == [[2.0], [-1.0]]
    assert holds(MinMaxScaler(clip=True).fit([[1.0], [3.0]]), [[5.0], [-1.0]]) == [[1.0], [0.0]]
    assert holds(MaxAbsScaler(clip=True).fit([[1.0], [-4.0]]), [[8.0], [-8.0], [2.0]]) == [[1.0], [-1.0], [0.5]]
    assert repr(holds(MaxAbsScaler(clip=True).fit([[1.0]]), [[nan], [None]])) == "[[nan], [nan]]"


def test_nearly_constant_features_are_moved_only():
    own = MinMaxScaler().fit([[3.0, 1e-17], [3.0, 2e-17]])
    assert own.scale_ == (1.0, 1.0)
    assert MaxAbsScaler().fit([[0.0, -1e-16]]).scale_ == (1.0, 1.0)


def test_a_feature_without_values():
    for kind, _ in DEFINITIONS:
        own = kind().fit([[None, 1.0], [nan, 3.0]])
        (row,) = holds(own, [[1.0, 3.0]])
        assert row[0] != row[0] and row[1] == 1.0
        first, second = own._compile(("a", "b"), ("float", "int")).outputs
        assert first.blank and second.blank


VALUES = st.one_of(st.floats(allow_infinity=False), st.none(), st.sampled_from([0.0, -0.0]))
ROWS = st.lists(st.tuples(VALUES, st.floats(-10, 10)), min_size=1, max_size=8)


@settings(deadline=None)
@given(ROWS, ROWS, st.sampled_from(DEFINITIONS))
def test_in_pieces(first, second, definition):
    kind, parameters = definition
    both = kind(**parameters).fit(first + second)
    a, b = kind(**parameters).fit(first), kind(**parameters).fit(second)
    assert dumps(a.merge(b)) == dumps(b.merge(a)) == dumps(both) == dumps(stored(both))
    assert dumps(kind(**parameters).partial_fit(first).partial_fit(second)) == dumps(both)
    assert same_bits(both.transform(first), a.merge(b).transform(first))


@pytest.mark.parametrize("kind", [MinMaxScaler, MaxAbsScaler])
def test_pieces_fit_together(kind):
    own = kind().fit([[1.0, 2.0]])
    with pytest.raises(InvalidInput, match="cannot retract"):
        own.retract(own)
    for other in (kind().fit([[1.0]]), kind(clip=True).fit([[1.0, 2.0]])):
        with pytest.raises(InvalidInput):
            own.merge(other)
    with pytest.raises(InvalidInput, match="features"):
        own.partial_fit([[1.0]])
    with pytest.raises(NotFitted):
        own.merge(kind())
    before = dumps(own)
    with pytest.raises(InvalidInput):
        own.partial_fit([[inf, 1.0]])
    assert dumps(own) == before


@pytest.mark.parametrize(
    "given_range", [(1, 0), (0, 0), (0, nan), (0, inf), [0, 1], (0,), "01", 3, (True, 2), ("a", "b")]
)
def test_feature_range_refused(given_range):
    with pytest.raises(InvalidInput) as refused:
        MinMaxScaler(feature_range=given_range).fit([[1.0]])
    assert "feature_range" in refused.value.values


@pytest.mark.parametrize("kind", [MinMaxScaler, MaxAbsScaler])
def test_infinities_and_words_refused(kind):
    refuses_infinities_and_words(kind)
    with pytest.raises(InvalidInput, match="True or False"):
        kind(clip="yes").fit([[1.0]])


@pytest.mark.parametrize(
    "kind, name, value",
    [
        (MinMaxScaler, "data_min_", [1.0]),
        (MinMaxScaler, "min_", [0.0, {"float": "inf"}]),
        (MinMaxScaler, "min_", [0.0, 1.0, 2.0]),
        (MinMaxScaler, "scale_", [1.0, 0.0]),
        (MinMaxScaler, "scale_", [1.0, -1.0]),
        (MinMaxScaler, "data_range_", [1.0, -1.0]),
        (MinMaxScaler, "n_samples_seen_", -1),
        (MinMaxScaler, "n_samples_seen_", 1.5),
        (MaxAbsScaler, "scale_", [1.0, 0.0]),
        (MaxAbsScaler, "scale_", None),
        (MaxAbsScaler, "max_abs_", [1.0, "2"]),
        (MaxAbsScaler, "max_abs_", [1.0]),
        (MaxAbsScaler, "n_features_in_", 3),
    ],
    ids=str,
)
def test_malformed_files_are_refused(kind, name, value):
    own = kind().fit([[1.0, 2.0], [2.0, 4.0]])
    refuses_changed(own, **{name: value})


@pytest.mark.parametrize("kind", [MinMaxScaler, MaxAbsScaler])
def test_estimator_checks(kind):
    pytest.importorskip("sklearn")
    assert failed_checks(kind()) == []
