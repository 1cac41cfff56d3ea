"""DatetimeFeatures against ``datetime`` and pandas; kinds of instants, offsets, refusals, its file."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta, timezone
from math import nan

import pytest

from ledger import CannotTransform, InvalidInput
from tests.vectordb.transforms.composition import failed_checks, holds, same_bits
from vectordb.transforms import DatetimeFeatures, Pipeline, StandardScaler, transformer_from_dict
from vectordb.transforms.times.datetimes import KNOWN

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EDGES = [
    datetime(1684, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2255, 1, 31, tzinfo=UTC),
    datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2100, 2, 28, tzinfo=UTC),
    datetime(2020, 12, 31, 12, tzinfo=UTC),
    datetime(2021, 1, 3, 23, 59, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC),
    EPOCH,
]


def moments(seed, count=60):
    rng = random.Random(seed)
    return EDGES + [EPOCH + timedelta(microseconds=rng.randrange(-(2**52), 2**52)) for _ in range(count)]


@pytest.mark.parametrize("offset", [0, 60, -330, 845, 1439, -1439])
def test_agrees_with_pandas(offset):
    pandas = pytest.importorskip("pandas")
    given = moments(offset)
    made = DatetimeFeatures(KNOWN, utc_offset=offset).fit([[one] for one in given])
    assert made.get_feature_names_out(["at"]) == [f"at_{part}" for part in KNOWN]
    rows = holds(made, [[one] for one in given])
    shifted = pandas.Series([one.astimezone(timezone(timedelta(minutes=offset))).replace(tzinfo=None) for one in given])
    calendar = shifted.dt
    expected = {part: getattr(calendar, part) for part in dir(calendar) if part in KNOWN and part[:5] != "dayof"}
    expected |= {"dayofweek": calendar.day_of_week, "dayofyear": calendar.day_of_year}
    expected["week"] = calendar.isocalendar().week
    expected["is_weekend"] = calendar.day_of_week >= 5
    expected["timestamp"] = [one.timestamp() for one in given]
    assert set(expected) == set(KNOWN)
    for place, part in enumerate(KNOWN):
        assert [row[place] for row in rows] == [float(value) for value in expected[part]], part


def test_one_instant_in_every_form():
    moment = datetime(2023, 11, 14, 22, 13, 20, 500_000, tzinfo=UTC)
    made = DatetimeFeatures(KNOWN).fit([[0]])
    forms = [moment, moment.astimezone(timezone(timedelta(hours=5))), moment.timestamp(), "2023-11-14T22:13:20.5Z"]
    assert len({made.transform_one([form]) for form in forms}) == 1
    whole = moment.replace(microsecond=0)
    assert made.transform_one([1_700_000_000]) == made.transform_one([1_700_000_000.0]) == made.transform_one([whole])
    numpy = pytest.importorskip("numpy")
    assert made.transform_one([numpy.int64(1_700_000_000)]) == made.transform_one([numpy.float64(1.7e9)])
    pandas = pytest.importorskip("pandas")
    assert made.transform_one([pandas.Timestamp(moment)]) == made.transform_one([moment])


def test_seconds_floor_to_the_microsecond_of_their_shortest_text():
    made = DatetimeFeatures(["second", "microsecond", "timestamp"]).fit([[0]])
    assert made.transform_one([1700000000.123456]) == (20.0, 123456.0, 1700000000.123456)
    assert made.transform_one([-0.5]) == (59.0, 500000.0, -0.5)


def test_what_is_missing_stays_missing():
    rows = [[None], [nan], [0]]
    assert same_bits(holds(DatetimeFeatures(["year", "day"]).fit(rows), rows), [[nan, nan], [nan, nan], [1970.0, 1.0]])
    pandas = pytest.importorskip("pandas")
    numpy = pytest.importorskip("numpy")
    made = DatetimeFeatures(["year"]).fit([[pandas.NaT], [0]])
    assert same_bits(made.transform([[pandas.NaT], [numpy.datetime64("NaT", "s")]]), [[nan], [nan]])


def test_parts_go_on_in_a_pipeline():
    rows = [[moment, 0.0] for moment in moments(1)]
    chain = Pipeline([("parts", DatetimeFeatures(["hour", "dayofweek"])), ("scale", StandardScaler())]).fit(rows)
    assert len(holds(chain, rows)[0]) == 4


@pytest.mark.parametrize(
    "value",
    [True, "2026-01-01", "now", "", b"x", 1e300, 10**400, -(2**53), float("inf"), [1], {}, (2026, 1), object(), 1j]
    + [datetime(2026, 1, 1), EPOCH.date(), EPOCH.timetz(), datetime(1600, 1, 1, tzinfo=UTC)],  # noqa: DTZ001
    ids=lambda given: repr(given)[:30],
)
def test_what_is_no_instant_is_refused_with_the_feature(value):
    fitted = DatetimeFeatures().fit({"at": [0], "b": [1]})
    for run in (fitted.transform_one, lambda row: fitted.transform([row]), lambda row: fitted.fit([row])):
        with pytest.raises(InvalidInput) as refused:
            run({"at": 0, "b": value})
        assert isinstance(refused.value, CannotTransform) and refused.value.values["feature"] == "b"


@pytest.mark.parametrize(
    "parameters",
    [
        {"features": "year"},
        {"features": []},
        {"features": None},
        {"features": ["years"]},
        {"features": ["year", "year"]},
        {"features": [1]},
        {"features": [["year"]]},
        {"features": 3},
        {"utc_offset": 1440},
        {"utc_offset": -1440},
        {"utc_offset": 1.5},
        {"utc_offset": True},
        {"utc_offset": "Europe/Rome"},
        {"utc_offset": None},
    ],
    ids=repr,
)
def test_other_parameters_are_refused_by_the_fit_and_in_a_file(parameters):
    with pytest.raises(InvalidInput):
        DatetimeFeatures(**parameters).fit([[0]])
    plain = DatetimeFeatures().fit([[0]]).to_dict()
    with pytest.raises(InvalidInput):
        transformer_from_dict({**plain, "parameters": json.loads(json.dumps({**plain["parameters"], **parameters}))})


def test_passes_the_checks_of_sklearn():
    pytest.importorskip("sklearn")
    assert failed_checks(DatetimeFeatures()) == []
