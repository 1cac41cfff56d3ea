"""Clip and Log1p against NumPy's functions; nothing is learnt."""

from __future__ import annotations

from math import expm1, inf, log1p, nan

import pytest

from ledger import CannotTransform, InvalidInput
from tests.vectordb.transforms.agreement import close, failed_checks, holds, same_bits, sample, stored, three_ways
from vectordb.transforms import Clip, Log1p, Pipeline, StandardScaler, to_sklearn, transformer_from_dict

LIMITS = [
    {},
    {"lower": -0.5},
    {"upper": 2},
    {"lower": 0.0, "upper": 0.0},
    {"lower": [0.0, None, -1e-6, -1, 3, None, None, 0.5]},
    {"lower": -1, "upper": (1.0, None, 1e-6, 2, 2.25, None, 0.0, 3)},
]


@pytest.mark.parametrize("limits", LIMITS, ids=str)
def test_clip_agrees_with_numpy(limits):
    numpy = pytest.importorskip("numpy")
    rows = sample(3)
    sides = []
    for name, none in (("lower", -inf), ("upper", inf)):
        given = limits.get(name)
        several = list(given) if isinstance(given, (list, tuple)) else [given] * 8
        sides.append([none if limit is None else float(limit) for limit in several])
    made = three_ways(Clip(**limits), rows)
    assert same_bits(made, numpy.clip(numpy.array(rows), *sides).tolist())
    assert same_bits(holds(Clip(**limits).fit(rows), rows), made)
    assert same_bits(transformer_from_dict(Clip(**limits).to_dict()).transform(rows), made)


def test_limits_of_every_feature():
    own = Clip(lower=[0.0, None]).fit({"a": [1.0], "b": [2.0]})
    assert holds(own, {"a": [-1.0], "b": [-1.0]}) == [[0.0, -1.0]]
    with pytest.raises(InvalidInput):
        Clip(lower=[0.0, None]).fit([[1.0]])
    with pytest.raises(InvalidInput):
        Clip(lower=[0.0, None]).transform([[1.0]])


@pytest.mark.parametrize(
    "limits",
    [{"lower": nan}, {"lower": "0"}, {"upper": [1.0, "2"]}, {"upper": True}, {"lower": 2, "upper": 1},
     {"lower": [0, 2], "upper": 1}, {"lower": [0, 1], "upper": [1]}, {"lower": {0: 1}}, {"upper": [[1.0]]}],
    ids=str,
)  # fmt: skip
def test_limits_refused(limits):
    with pytest.raises(InvalidInput):
        Clip(**limits).fit([[1.0, 2.0]])
    with pytest.raises(InvalidInput):
        Clip(**limits).transform([[1.0, 2.0]])


def test_nothing_to_invert():
    with pytest.raises(InvalidInput, match="no inverse"):
        Clip().fit([[1.0]]).inverse_transform([[1.0]])


NUMBERS = [0.0, -0.0, 1e-20, -1e-20, 0.5, -0.5, -0.9999999999999999, 1e308, 5e-324, 3, True, nan, None]


def test_log1p_is_exact_near_zero():
    made = three_ways(Log1p(), [[value] for value in NUMBERS])
    wanted = [[log1p(value) if value is not None else nan] for value in NUMBERS]
    assert same_bits(made, wanted)
    back = Log1p().fit([[1.0]]).inverse_transform(made)
    assert same_bits(back, [[expm1(value)] for (value,) in made])
    assert close(back[:7], [[value] for value in NUMBERS[:7]], slack=1e-16)


def test_log1p_agrees_with_numpy():
    numpy = pytest.importorskip("numpy")
    pytest.importorskip("sklearn.preprocessing")
    rows = [[abs(value) for value in row] for row in sample(5)]
    made = holds(Log1p().fit(rows), rows)
    assert close(made, numpy.log1p(numpy.array(rows)))
    other = to_sklearn(Log1p().fit(rows))
    assert close(made, other.transform(numpy.array(rows)))
    assert close(Log1p().fit(rows).inverse_transform(made), other.inverse_transform(numpy.array(made)))
    assert other.get_feature_names_out().tolist() == Log1p().fit(rows).get_feature_names_out()


@pytest.mark.parametrize("value", [-1.0, -1, -1.5, -1e308])
def test_log1p_refuses_by_name(value):
    own = Log1p().fit({"age": [1.0], "pay": [2.0]})
    for do in (own.transform, lambda rows: own.transform_one(rows[0])):
        with pytest.raises(CannotTransform, match="above -1") as refused:
            do([[0.0, value]])
        assert refused.value.values["feature"] == "pay"
        assert refused.value.values["value"] == value
    chain = Pipeline([("scale", StandardScaler(with_std=False)), ("log", Log1p())])
    chain.fit({"age": [1.0, 1.5], "pay": [5.0, 5.5]})
    with pytest.raises(CannotTransform, match="above -1") as refused:
        chain.transform([[1.5, 0.0]])
    assert refused.value.values["feature"] == "pay"


def test_an_inverse_beyond_floats_is_refused():
    own = Log1p().fit({"age": [1.0]})
    assert own.inverse_transform([[709.0], [-800.0]]) == [[expm1(709.0)], [-1.0]]
    with pytest.raises(CannotTransform, match="float64") as refused:
        own.inverse_transform([[710.0]])
    assert refused.value.values["feature"] == "age"


def test_infinities_and_words_refused():
    for own in (Log1p(), Clip()):
        for row in ([inf], ["a"], [10**400], []):
            with pytest.raises(InvalidInput):
                own.transform([row])
        assert stored(own.fit([[1.0]])).transform([[0.0]]) == [[0.0]]


def test_estimator_checks():
    pytest.importorskip("sklearn")
    assert failed_checks(Clip()) == []
    assert failed_checks(Clip(lower=0.0, upper=1.0)) == []


def test_estimator_checks_of_log1p():
    pytest.importorskip("sklearn")
    reason = "these transform numbers below -1, which have no log1p"
    expected = {"check_transformer_general": reason, "check_transformer_data_not_an_array": reason}
    assert failed_checks(Log1p(), **expected) == []
