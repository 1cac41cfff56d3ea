"""What a transformer takes and gives: every kind of table, and what is refused with a rule."""

from __future__ import annotations

import datetime as dt
from array import array
from collections import OrderedDict
from decimal import Decimal
from fractions import Fraction
from math import inf, nan
from types import MappingProxyType

import pytest

from ledger import InvalidInput, NotANumber
from tests.vectordb.transforms.composition import bits, same_bits
from vectordb import Category, Dense, Float, Int, Timestamp, Vector, VectorDB
from vectordb.transforms import (
    ColumnTransformer,
    DatetimeFeatures,
    FeatureUnion,
    FunctionTransformer,
    OfType,
    OneHotEncoder,
    StandardScaler,
)
from vectordb.transforms.table import Rows, kind_of, read_table

ROWS = [[1.0, 2.0], [3.0, 5.0], [8.0, 13.0]]
SCALED = StandardScaler().fit(ROWS).transform(ROWS)


def plain(made):
    """A table as rows of floats of Python."""
    rows = made.to_rows() if isinstance(made, Dense) else made
    return [[float(value) for value in row] for row in rows]


def scaled(given):
    """The scaled table, which has the bits of plain rows whatever it came as."""
    fitted = StandardScaler().fit(given)
    made = fitted.transform(given)
    assert same_bits(plain(made), SCALED)
    assert same_bits(fitted.transform(ROWS), SCALED)
    assert same_bits(plain(FeatureUnion([("a", StandardScaler())]).fit_transform(given)), SCALED)
    return made


@pytest.mark.parametrize(
    "given",
    [
        ROWS,
        tuple(map(tuple, ROWS)),
        [array("d", row) for row in ROWS],
        [dict(zip("ab", row)) for row in ROWS],
        [OrderedDict(zip("ab", row)) for row in ROWS],
        [MappingProxyType(dict(zip("ab", row))) for row in ROWS],
        [dict(zip((0, 1), row)) for row in ROWS],
        {"a": [1, 3, 8], "b": (2, 5, 13)},
        {"a": array("q", [1, 3, 8]), "b": range(0) or [2, 5, 13]},
        {0: [1, 3, 8], 1: [2, 5, 13]},
        [[Fraction(1), Decimal(2)], [3, Decimal(5)], [8, 13.0]],
    ],
    ids=lambda given: f"{type(given).__name__} of {type(next(iter(given))).__name__}",
)
def test_plain_tables_give_rows(given):
    made = scaled(given)
    assert type(made) is Rows and made.shape == (3, 2) and type(made[0]) is list


def test_a_generator_of_rows_is_read_once():
    assert same_bits(StandardScaler().fit(iter(ROWS)).transform(row for row in ROWS), SCALED)


def test_names_are_those_of_the_table():
    assert StandardScaler().fit({"a": [1.0]}).feature_names_in_ == ("a",)
    assert StandardScaler().fit([{"a": 1.0}]).feature_names_in_ == ("a",)
    for nameless in ([[1.0]], {0: [1.0]}, [{0: 1.0}], {"a": [1.0], 1: [2.0]}):
        assert not hasattr(StandardScaler().fit(nameless), "feature_names_in_")


@pytest.mark.parametrize("code", ["float64", "float32"])
def test_dense_blocks_give_dense_blocks(code):
    block = Dense(array("d" if code == "float64" else "f", [1, 2, 3, 5, 8, 13]).tobytes(), (3, 2), code)
    made = scaled(block)
    assert type(made) is Dense and made.dtype == "float64" and made.shape == (3, 2)


def feature_matrix():
    features = {"x": Float(), "n": Int(), "city": Category(), "at": Timestamp(), "v": Vector(2)}
    with VectorDB() as db:
        view = db.create_view("view", entity="key", features=features)
        view.put("a", {"x": 1.0, "n": 3, "city": "Rome", "at": 1.5, "v": [1.0, 2.0]})
        view.put("b", {"x": None, "n": None, "city": None, "at": None, "v": [3.0, 5.0]})
        service = db.create_service("service", features=[f"view:{name}" for name in features])
        return service.get_many(["a", "b"])


def test_feature_matrices():
    matrix = feature_matrix()
    table = read_table(matrix, "test")
    assert table.kinds == ("float", "int", "category", "timestamp", "vector", "vector") and table.like == "dense"
    names = [name.rpartition("__")[2] for name in table.names or ()]
    assert names == ["x", "n", "city", "at", "v_0", "v_1"]
    assert [bits(value) for value in table.columns[0]] == [bits(1.0), "nan"]
    parts = [
        ("number", StandardScaler(), OfType("number", "vector")),
        ("word", OneHotEncoder(), OfType("category")),
        ("time", DatetimeFeatures(["year"]), OfType("timestamp")),
    ]
    made = ColumnTransformer(parts).fit(matrix).transform(matrix)
    assert type(made) is Dense and made.shape == (2, 7)
    rows = made.to_rows()
    assert [bits(value) for value in rows[0]] == [bits(value) for value in [0.0, 0.0, -1.0, -1.0, 1.0, 0.0, 1970.0]]
    assert [bits(value) for value in rows[1]][:2] == ["nan", "nan"] and bits(rows[1][6]) == "nan"
    kept = ColumnTransformer([("keep", "passthrough", OfType("category", "number"))]).fit(matrix)
    assert type(kept.transform(matrix)) is Rows  # a word is no float


# -- NumPy and frames --------------------------------------------------------------------------------------

NUMBERS = ["f2", "f4", "f8", "g", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "O", ">f8", "<i4"]


@pytest.mark.parametrize("dtype", NUMBERS)
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_give_arrays(dtype, order):
    numpy = pytest.importorskip("numpy")
    made = scaled(numpy.array(ROWS, dtype=dtype, order=order))
    assert type(made) is numpy.ndarray and made.dtype == float and made.shape == (3, 2)


def test_views_rows_and_bools_of_numpy():
    numpy = pytest.importorskip("numpy")
    wide = numpy.array([[9, 1, 9, 2], [0, 0, 0, 0], [9, 3, 9, 5], [0, 0, 0, 0], [9, 8, 9, 13]], dtype=float)
    scaled(wide[::2, 1::2])
    scaled(list(wide[::2, 1::2]))
    scaled([list(row) for row in wide[::2, 1::2]])
    scaled({"a": wide[::2, 1], "b": wide[::2, 3].astype("i4")})
    wide.flags.writeable = False
    scaled(wide[::2, 1::2])
    truth = numpy.array([[True], [False]])
    assert read_table(truth, "test").kinds == ("bool",)
    assert StandardScaler().fit(truth).mean_ == (0.5,)


def test_numpy_scalars_in_rows_are_numbers():
    numpy = pytest.importorskip("numpy")
    rows = [[numpy.float64(1.5), numpy.int32(2)], [3, numpy.float32(0.5)]]
    assert read_table(rows, "test").kinds == ("number", "number")
    made = FeatureUnion([("keep", "passthrough")]).fit_transform(rows)
    assert same_bits(made, [[1.5, 2.0], [3.0, 0.5]])


def test_masked_values_are_missing():
    numpy = pytest.importorskip("numpy")
    masked = numpy.ma.masked_array([[1.0], [2.0], [9.0]], mask=[[False], [False], [True]])
    scaler = StandardScaler().fit(masked)
    assert scaler.mean_ == (1.5,) and scaler.n_samples_seen_ == (2,)


def test_words_of_numpy():
    numpy = pytest.importorskip("numpy")
    for words in (numpy.array([["a"], ["b"]]), numpy.array([["a"], ["b"]], dtype=object)):
        assert OneHotEncoder().fit_transform(words).tolist() == [[1.0, 0.0], [0.0, 1.0]]
        kept = FeatureUnion([("keep", "passthrough")]).fit_transform(words)
        assert kept.dtype == object and kept.tolist() == [["a"], ["b"]]
        with pytest.raises(NotANumber, match="could not convert string to float"):
            StandardScaler().fit(words)


def test_what_only_becomes_an_array():
    numpy = pytest.importorskip("numpy")

    class Held:
        def __array__(self, dtype=None, copy=None):
            return numpy.array(ROWS, dtype=dtype)

    assert type(scaled(Held())) is numpy.ndarray


def test_data_frames():
    numpy = pytest.importorskip("numpy")
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1, 3, 8], "b": [2.0, 5.0, 13.0]}, index=[7, 8, 9])
    assert type(scaled(frame)) is numpy.ndarray
    fitted = StandardScaler().set_output(transform="pandas").fit(frame)
    made = fitted.transform(frame)
    assert type(made) is pandas.DataFrame and list(made.columns) == ["a", "b"] and list(made.index) == [7, 8, 9]
    assert list(fitted.transform(ROWS).columns) == ["a", "b"]
    assert list(fitted.fit_transform(frame).index) == [7, 8, 9]
    assert type(fitted.set_output(transform="default").transform(frame)) is numpy.ndarray
    scaled(pandas.DataFrame(ROWS))


def test_missing_values_of_pandas():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {
            "n": pandas.array([1, None, 3], dtype="Int64"),
            "b": pandas.array([True, None, False], dtype="boolean"),
            "s": pandas.array(["x", None, "y"], dtype="string"),
            "c": pandas.Categorical(["x", None, "y"]),
            "t": pandas.to_datetime(["2026-01-31", None, "2026-02-01"], utc=True),
        }
    )
    table = read_table(frame, "test")
    assert table.columns[0] == [1, None, 3] and table.columns[2] == ["x", None, "y"]
    assert StandardScaler().fit(frame[["n", "b"]]).n_samples_seen_ == (2, 2)
    assert OneHotEncoder().fit(frame[["s"]]).categories_ == (("x", "y", None),)
    made = DatetimeFeatures(["month", "is_month_end"]).fit_transform(frame[["t"]]).tolist()
    assert made[0] == [1.0, 1.0] and made[2] == [2.0, 0.0] and made[1][0] != made[1][0]


def test_times_without_an_offset_are_refused_in_any_container():
    numpy = pytest.importorskip("numpy")
    pandas = pytest.importorskip("pandas")
    times = numpy.array([["2026-01-01"]], dtype="datetime64[ns]")
    for given in (times, times.astype("datetime64[s]"), {"t": times[:, 0]}, times - times):
        for transformer in (DatetimeFeatures(), StandardScaler()):
            with pytest.raises(InvalidInput, match="offset from UTC"):
                transformer.fit(given)
    with pytest.raises(InvalidInput, match="offset from UTC"):
        DatetimeFeatures().fit(pandas.DataFrame({"t": times[:, 0]}))
    with pytest.raises(InvalidInput, match="offset from UTC"):
        DatetimeFeatures().fit([[dt.datetime(2026, 1, 1)]])  # noqa: DTZ001


# -- refusals ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ([], "0 sample"),
        ([[]], "0 feature"),
        ({}, "0 sample"),
        ({"a": []}, "0 sample"),
        ([1.0, 2.0], "1D array"),
        (["ab", "cd"], "1D array"),
        ("ab", "takes rows"),
        (b"ab", "takes rows"),
        (3.0, "takes rows"),
        (None, "takes rows"),
        ([[1.0], [1.0, 2.0]], "equally long"),
        ({"a": [1.0], "b": [1.0, 2.0]}, "equally long"),
        ({"a": 1.0}, "a column is a sequence"),
        ({"a": "xyz"}, "a column is a sequence"),
        ([{"a": 1.0}, {"b": 1.0}], "same names"),
        ([{"a": 1.0}, [1.0]], "1D array"),
        ([{1.0, 2.0}], "1D array"),
        ([[1.0], None], "1D array"),
    ],
    ids=repr,
)
def test_what_is_no_table_is_refused(given, rule):
    for transformer in (StandardScaler(), OneHotEncoder(), FunctionTransformer("abs"), FeatureUnion([("a", "drop")])):
        with pytest.raises(InvalidInput, match=rule):
            transformer.fit(given)


@pytest.mark.parametrize("value", ["1", "x", b"1", [1], (1,), {}, 1j, object()], ids=repr)
def test_what_is_no_number_is_refused_with_the_feature(value):
    fitted = StandardScaler().fit({"a": [1.0], "b": [2.0]})
    for run in (fitted.transform, fitted.fit):
        with pytest.raises(NotANumber) as refused:
            run([{"a": 1.0, "b": value}])
        assert refused.value.values["feature"] == "b" and isinstance(refused.value, TypeError)


@pytest.mark.parametrize("value", [inf, -inf, 10**400, -(10**400)], ids=lambda given: repr(given)[:8])
def test_infinity_is_refused_with_the_feature(value):
    for name in ("abs", None, "exp"):
        transformer = FunctionTransformer(name)
        if name is None and type(value) is int:
            continue  # goes through as it is
        for given in ({"a": [value]}, [[value]], {"a": [value, None]}):
            with pytest.raises(InvalidInput):
                transformer.fit(given).transform(given)


def test_whole_numbers_beyond_float64_are_refused_on_any_way():
    union = FeatureUnion([("keep", "passthrough")]).fit([[1]])
    for run in (union.transform, union.fit_transform, lambda rows: union.transform_one(rows[0])):
        with pytest.raises(InvalidInput):
            run([[10**400]])


def test_arrays_of_other_shapes_and_kinds_are_refused():
    numpy = pytest.importorskip("numpy")
    for given, rule in [
        (numpy.array([1.0]), "got 1D array"),
        (numpy.array(1.0), "got 0D array"),
        (numpy.zeros((2, 2, 2)), "got 3D array"),
        (numpy.zeros((0, 2)), "0 sample"),
        (numpy.zeros((2, 0)), "0 feature"),
        (numpy.array([[1j]]), "Complex"),
        (numpy.array([[inf]]), "infinity"),
        ({"a": numpy.array(1.0)}, "a column is a sequence"),
        ({"a": numpy.zeros((2, 1))}, "a column is a sequence"),
    ]:
        with pytest.raises(InvalidInput, match=rule):
            StandardScaler().fit(given)


def test_sparse_data_is_refused():
    sparse = pytest.importorskip("scipy.sparse")
    for kind in (sparse.csr_matrix, sparse.csr_array, sparse.coo_matrix, sparse.dok_array):
        for transformer in (StandardScaler(), OneHotEncoder(), FeatureUnion([("a", "passthrough")])):
            with pytest.raises(InvalidInput, match="Sparse data is not supported"):
                transformer.fit(kind([[1.0], [0.0]]))


def test_columns_of_a_frame_have_names_of_their_own():
    pandas = pytest.importorskip("pandas")
    with pytest.raises(InvalidInput, match="names of their own"):
        StandardScaler().fit(pandas.DataFrame([[1.0, 2.0]], columns=["a", "a"]))


def test_outputs_that_cannot_be_are_refused():
    with pytest.raises(InvalidInput, match="default, pandas or polars"):
        StandardScaler().set_output(transform="arrow")
    assert StandardScaler().set_output().fit([[1.0]]).transform([[1.0]]) == [[0.0]]


def test_a_package_of_frames_is_the_callers(monkeypatch):
    import sys

    monkeypatch.delitem(sys.modules, "polars", raising=False)
    with pytest.raises(InvalidInput, match="package that is imported"):
        StandardScaler().set_output(transform="polars")


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ([1.0, nan], "float"),
        ([1, 2], "int"),
        ([True], "bool"),
        ([1, 2.0], "number"),
        ([1, None], "number"),
        ([Fraction(1), 1], "number"),
        ([None, None], "category"),
        (["a", 1], "category"),
        ([Decimal(1)], "category"),
        ([1j], "category"),
    ],
    ids=repr,
)
def test_kinds_of_plain_columns(column, kind):
    assert kind_of(column) == kind


def test_nothing_given_is_changed():
    numpy = pytest.importorskip("numpy")
    block, rows = numpy.array(ROWS), [list(row) for row in ROWS]
    columns = {"a": [1, None], "b": ["x", None]}
    StandardScaler().fit_transform(block)
    StandardScaler().fit_transform(rows)
    OneHotEncoder().fit_transform(columns)
    assert block.tolist() == ROWS == rows and columns == {"a": [1, None], "b": ["x", None]}
