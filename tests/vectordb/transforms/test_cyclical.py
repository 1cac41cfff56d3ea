"""CyclicalFeatures: sines and cosines that are right however far away, what is refused, and its file."""

from __future__ import annotations

import json
import random
from fractions import Fraction
from math import cos, inf, isclose, nan, pi, sin

import pytest

from ledger import CannotTransform, InvalidInput
from tests.vectordb.transforms.composition import close, failed_checks, holds, numbers, same_bits
from vectordb.transforms import CyclicalFeatures, Pipeline, StandardScaler, transformer_from_dict


def test_is_the_formula():
    rows = [[hour + minute / 60, hour] for hour in range(24) for minute in (0, 7, 59)]
    made = holds(CyclicalFeatures([24, 7]).fit(rows), rows)
    expected = [[f(2 * pi * value / period) for value, period in zip(row, (24, 7)) for f in (sin, cos)] for row in rows]
    assert all(isclose(a, b, abs_tol=1e-14) for one, other in zip(made, expected) for a, b in zip(one, other))


@pytest.mark.parametrize("period", [24, 7, 365.25, 0.1, 1e-300, 1e300, 2 * pi, 1 / 3], ids=repr)
@pytest.mark.parametrize("size", [1.0, 1e6, 1e15, 1e300], ids=repr)
def test_is_right_however_far_away(period, size):
    mpmath = pytest.importorskip("mpmath")
    rng = random.Random(f"{period}{size}")
    values = [rng.uniform(-size, size) for _ in range(40)] + [period * rng.random() for _ in range(20)]
    circle = CyclicalFeatures(period).fit([[1.0]])
    for value in values:
        turn = Fraction(value) / Fraction(float(period))
        turn -= round(turn)
        if (4 * turn).denominator == 1:
            continue  # see below
        with mpmath.workdps(60):
            angle = 2 * mpmath.pi * mpmath.mpf(turn.numerator) / turn.denominator
            expected = float(mpmath.sin(angle)), float(mpmath.cos(angle))
        made = circle.transform_one([value])
        assert all(isclose(one, other, rel_tol=5e-16, abs_tol=1e-320) for one, other in zip(made, expected)), value


def test_quarters_of_a_turn_are_exact():
    for period in (24.0, 7.0, 1e300, 1e-300, 0.1):
        circle = CyclicalFeatures(period).fit([[0.0]])
        made = [circle.transform_one([quarters * (period / 4)]) for quarters in (0, 1, 2, -1, -2, 4, 8)]
        assert same_bits(made, [(0.0, 1.0), (1.0, 0.0), (0.0, -1.0), (-1.0, 0.0), (0.0, -1.0), (0.0, 1.0), (0.0, 1.0)])
    assert CyclicalFeatures(24).fit([[0]]).transform_one([24 * 10**15]) == (0.0, 1.0)


@pytest.mark.parametrize("value", [-0.0, 0.0, 5e-324, -5e-324, 1e308, -1e308, 1.7976931348623157e308], ids=repr)
def test_stays_on_the_circle(value):
    sine, cosine = CyclicalFeatures(24).fit([[0.0]]).transform_one([value])
    assert isclose(sine * sine + cosine * cosine, 1.0, rel_tol=1e-15)


def test_what_is_missing_stays_missing():
    made = holds(CyclicalFeatures().fit([[None]]), [[None], [6], [nan]])
    assert same_bits(made, [[nan, nan], [1.0, 0.0], [nan, nan]])
    chain = Pipeline([("scale", StandardScaler()), ("cycle", CyclicalFeatures(2))])
    rows = numbers(3)
    assert len(holds(chain.fit(rows), rows)[0]) == 8


def test_periods_by_name_and_in_order():
    data = {"hour": [1.0, 6.0], "day": [2.0, 3.0]}
    by_name = CyclicalFeatures({"day": 7, "hour": 24}, drop_original=False).fit(data)
    in_order = CyclicalFeatures((24, 7), drop_original=False).fit(data)
    assert by_name.periods_ == in_order.periods_ == (24.0, 7.0)
    assert same_bits(holds(by_name, data), holds(in_order, data))
    names = ["hour", "hour_sin", "hour_cos", "day", "day_sin", "day_cos"]
    assert by_name.get_feature_names_out() == names
    assert [row[0] for row in by_name.transform(data)] == [1.0, 6.0]
    assert CyclicalFeatures(24).fit(data).get_feature_names_out() == [n for n in names if "_" in n]


def test_arrays_of_periods_are_taken():
    numpy = pytest.importorskip("numpy")
    made = CyclicalFeatures(numpy.array([24.0, 7.0])).fit([[1.0, 2.0]])
    assert made.periods_ == (24.0, 7.0) and close(holds(made, [[1.0, 2.0]]), made.transform([[25.0, 9.0]]))


@pytest.mark.parametrize(
    "period",
    [0, -1, nan, inf, None, "24", True, [], [24], [24, 7, 1], {"a": 24}, {"a": 24, "b": 7, "c": 1}, [24, "x"], 1e-310]
    + [1e301, 10**400, {"a": 24, "b": 0}, 1j],
    ids=lambda given: repr(given)[:30],
)
def test_other_periods_are_refused_by_the_fit(period):
    with pytest.raises(InvalidInput, match="period"):
        CyclicalFeatures(period).fit({"a": [1.0], "b": [2.0]})
    with pytest.raises(InvalidInput, match="drop_original"):
        CyclicalFeatures(drop_original="yes").fit([[1.0]])


def test_infinity_is_refused_with_the_feature_where_it_arises():
    chain = Pipeline([("scale", StandardScaler(with_mean=False)), ("cycle", CyclicalFeatures())])
    chain.fit({"x": [1e-150, 2e-150]})
    with pytest.raises(CannotTransform) as refused:
        chain.transform_one({"x": 1e300})
    assert refused.value.values["feature"] == "x"


def test_malformed_stored_forms_are_refused_with_their_place():
    plain = CyclicalFeatures(24).fit([[1.0, 2.0]]).to_dict()
    for periods, place in [
        ([24.0], "periods_"),
        ([24.0, 0.0], "periods_[1]"),
        ([24.0, -1.0], "periods_[1]"),
        ([{"float": "nan"}, 24.0], "periods_[0]"),
        ([{"float": "inf"}, 24.0], "periods_[0]"),
        (["24", 24.0], "periods_[0]"),
        (24.0, "periods_"),
    ]:
        changed = json.loads(json.dumps(plain))
        changed["fitted"]["periods_"] = periods
        with pytest.raises(InvalidInput) as refused:
            transformer_from_dict(changed)
        assert refused.value.values["place"] == f"transformer.fitted.{place}"


def test_passes_the_checks_of_sklearn():
    pytest.importorskip("sklearn")
    assert failed_checks(CyclicalFeatures()) == []
    assert failed_checks(CyclicalFeatures(7, drop_original=False)) == []
