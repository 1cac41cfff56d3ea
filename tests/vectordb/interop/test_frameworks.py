"""Services in scikit-learn, PyTorch and TensorFlow, each where it is there; duck-typed where it is not."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest

from ledger import InvalidInput, ManualClock, NotFitted
from tests.house.source import ROOT
from tests.vectordb.interop.stories import START
from vectordb import Category, Float, Int, Request, TrainingSet, UnknownName, VectorDB
from vectordb.interop import Batches, Examples, ServiceTransformer

IDS = [f"u-{n}" for n in range(40)]


class Shop:
    """Users and items with numbers, and services of one kind, of both, and with a request input."""

    def __init__(self) -> None:
        self.db = VectorDB(clock=ManualClock(START))
        users = self.db.create_view(
            "users", entity="user", features={"age": Float(), "visits": Int(), "city": Category()}
        )
        users.put_many(
            {"user": IDS, "age": [n / 2 for n in range(40)], "visits": list(range(40)), "city": ["Rome"] * 40}
        )
        items = self.db.create_view("items", entity="item", features={"price": Float()})
        items.put_many({"item": [1, 2, 3], "price": [10.0, 20.0, 30.0]})
        self.one = self.db.create_service("one", features=["users:age", "users:visits"])
        self.pair = self.db.create_service("pair", features=["users:age", "items:price"])
        self.asking = self.db.create_service("asking", features=["users:age", Request("km", Float())])
        self.odd = self.db.create_service("odd", features=["users:age", "users:city"])

    def training_set(self, rows: int = 5) -> TrainingSet:
        time = self.db.event(2).recorded_time + timedelta(seconds=1)
        labels = [n % 2 for n in range(rows)]
        return self.one.training_set({"user": IDS[:rows], "time": [time] * rows, "label": labels})


@pytest.fixture
def shop() -> Shop:
    return Shop()


def rows_of(found: Any) -> list[list[float]]:
    return found.tolist() if hasattr(found, "tolist") else found.to_rows()  # type: ignore[no-any-return]


def test_a_service_transforms_ids_into_numbers(shop: Shop) -> None:
    one = ServiceTransformer(shop.one)
    expected = [[1.0, 2.0], [0.0, 0.0]]
    for ids in (
        ["u-2", "u-0"],
        [["u-2"], ["u-0"]],
        {"user": ["u-2", "u-0"]},
        shop.one.get_many(["u-2", "u-0"]).table(entity="user"),
    ):
        assert rows_of(one.fit(ids).transform(ids)) == expected == rows_of(one.fit_transform(ids))
    assert one.get_feature_names_out() == ["age", "visits"] and one.n_features_in_ == 1
    pair = ServiceTransformer(shop.pair)
    assert rows_of(pair.fit_transform([["u-2", 3], ("u-4", 1)])) == [[1, 30], [2, 10]] and pair.n_features_in_ == 2
    asked = ServiceTransformer(shop.asking).fit_transform({"user": ["u-2"], "km": [1.5]})
    assert rows_of(asked) == [[1.0, 1.5]]


def test_a_transformer_refuses_what_it_cannot_read(shop: Shop) -> None:
    one = ServiceTransformer(shop.one)
    for call in (lambda: one.transform(IDS), one.get_feature_names_out):
        with pytest.raises(NotFitted):
            call()
    for service, rows, rule in (
        (shop.pair, [["u-1"]], "an id of every kind"),
        (shop.pair, ["u-1"], "an id of every kind"),
        (shop.pair, {"user": ["u-1"]}, "a column of every kind"),
        (shop.asking, ["u-1"], "named columns"),
        (shop.odd, ["u-1"], "features are numbers"),
    ):
        with pytest.raises(InvalidInput, match=rule):
            ServiceTransformer(service).fit(rows)
    with pytest.raises(InvalidInput, match="one of these"):
        one.set_params(depth=1)
    with pytest.raises(InvalidInput, match="pandas or polars"):
        one.set_output(transform="arrow")


def test_parameters_are_those_of_an_estimator(shop: Shop) -> None:
    one = ServiceTransformer(shop.one, raw=True)
    assert one.get_params() == {"service": shop.one, "at": None, "raw": True, "dtype": "float64"}
    assert one.set_params(dtype="float32").dtype == "float32" and "Service(one@1" in repr(one)
    other = one.set_output(transform="default").set_output().__sklearn_clone__()
    assert other is not one and other.get_params() == one.get_params() and other.service is shop.one


def test_a_pipeline_of_scikit_learn_starts_at_ids(shop: Shop) -> None:
    numpy, sklearn = pytest.importorskip("numpy"), pytest.importorskip("sklearn")
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    ids, labels = numpy.array(IDS), numpy.arange(40) >= 20
    made = make_pipeline(ServiceTransformer(shop.one), StandardScaler(), LogisticRegression())
    plain = make_pipeline(StandardScaler(), LogisticRegression())
    numbers = numpy.asarray(shop.one.get_many(IDS))
    assert made.fit(ids, labels).predict(ids).tolist() == plain.fit(numbers, labels).predict(numbers).tolist()
    assert made[:-1].get_feature_names_out().tolist() == ["age", "visits"]
    copy = sklearn.base.clone(made)
    assert copy[0] is not made[0] and copy[0].service is shop.one and not copy[0].__sklearn_is_fitted__()
    assert cross_val_score(made, ids, labels, cv=3).shape == (3,) and "ServiceTransformer" in made._repr_html_()
    seen = ServiceTransformer(shop.one).fit(ids).transform(ids)
    assert isinstance(seen, numpy.ndarray) and seen.tolist() == numbers.tolist()


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_come_out_where_they_are_asked_for(shop: Shop, library: str) -> None:
    package = pytest.importorskip(library)
    one = ServiceTransformer(shop.one).set_output(transform=library).__sklearn_clone__()
    found = one.fit_transform(IDS[:2])
    assert isinstance(found, package.DataFrame) and list(found.columns) == ["age", "visits"]
    assert found["visits"].to_list() == [0, 1]


@pytest.mark.parametrize("library", ["numpy", "pandas", "polars", "pyarrow"])
def test_ids_and_labels_come_as_any_sequence(shop: Shop, library: str) -> None:
    """By their order: a series of pandas answers ``[0]`` by its index."""
    package = pytest.importorskip(library)
    numpy = pytest.importorskip("numpy")

    def column(values: Any) -> Any:
        if library == "pandas":
            return package.Series(values, index=range(7, 7 + len(values)))
        return package.Series(values) if library == "polars" else package.array(values)

    one = ServiceTransformer(shop.one)
    assert rows_of(one.fit(column(["u-2", "u-0"])).transform(column(["u-2", "u-0"]))) == [[1, 2], [0, 0]]
    data = Examples(shop.one, column(["u-2", "u-0", "u-4"]), label=column([1, 0, 1]), framework=numpy)
    numbers, labels = data.batch([2, 1])
    assert numbers.tolist() == [[2, 4], [0, 0]] and labels.tolist() == [1, 0] and labels.dtype.kind == "i"
    assert Batches(data).signature[1]["dtype"] == "int64"


def test_examples_stay_within_their_rows(shop: Shop) -> None:
    """A place beyond the end was read from whatever memory lay there."""
    data = Examples(shop.training_set(), label="label", framework="")
    assert data.batch([-1, 0]) == ([[2.0, 4.0], [0.0, 0.0]], [0, 0])
    for places in ([5], [-6], [10**9]):
        with pytest.raises(IndexError):
            data.batch(places)
    with pytest.raises(TypeError):
        data.batch([1.5])  # type: ignore[list-item]


def test_examples_of_a_matrix_go_to_another_process(shop: Shop) -> None:
    import pickle

    data = Examples(shop.training_set(), label="label", framework="")
    copy = pickle.loads(pickle.dumps(data))
    assert copy.batch(range(5)) == data.batch(range(5)) and copy.names == data.names


def test_frames_keep_the_index_of_what_was_asked(shop: Shop) -> None:
    """A column transformer of scikit-learn lays frames side by side, by their index."""
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    compose = pytest.importorskip("sklearn.compose")
    frame = pandas.DataFrame({"user": ["u-2", "u-0"], "z": [1.0, 2.0]}, index=[5, 9])
    one = ServiceTransformer(shop.one).set_output(transform="pandas")
    assert one.fit(frame["user"]).transform(frame["user"]).index.tolist() == [5, 9]
    made = compose.ColumnTransformer([("s", one, "user"), ("z", "passthrough", ["z"])]).set_output(transform="pandas")
    found = made.fit_transform(frame)
    assert found.index.tolist() == [5, 9] and found["s__visits"].tolist() == [2, 0]


def test_examples_without_any_framework(shop: Shop) -> None:
    data = Examples(shop.training_set(), label="label", framework="")
    assert len(data) == 5 and data[-1] == ([2.0, 4.0], 0) and data.names == ("age", "visits")
    assert data.__getitems__([3, 1]) == [([1.5, 3.0], 1), ([0.5, 1.0], 1)]
    served = Examples(shop.one, IDS, framework="")
    assert served[2] == [1.0, 2.0] and served.batch([0, 4]) == [[0.0, 0.0], [2.0, 4.0]] and served.names == data.names
    assert Examples(shop.one, IDS, label=list("ab") * 20, framework="")[1] == ([0.5, 1.0], "b")
    with pytest.raises(IndexError):
        _ = data[5]


def test_batches_repeat_and_tell_their_signature(shop: Shop) -> None:
    batches = Batches(Examples(shop.training_set(), label="label", framework=""), rows=2)
    assert (
        len(batches) == 3 and [len(labels) for _, labels in batches] == [2, 2, 1] and list(batches()) == list(batches)
    )
    assert batches.signature == ({"shape": (None, 2), "dtype": "float32"}, {"shape": (None,), "dtype": "int64"})
    assert Batches(Examples(shop.one, IDS, framework="")).signature == {"shape": (None, 2), "dtype": "float32"}
    for label, dtype in (([True], "bool"), ([1.5], "float64"), (["x"], "string")):
        assert Batches(Examples(shop.one, IDS[:1], label=label)).signature[1]["dtype"] == dtype


def test_examples_refuse_what_is_none(shop: Shop) -> None:
    for make, kind in (
        (lambda: Examples(shop.one), InvalidInput),
        (lambda: Examples(shop.training_set(), label="y"), UnknownName),
        (lambda: Examples(shop.one, IDS, label=[1]), InvalidInput),
        (lambda: Examples(shop.one, IDS, framework="mxnet"), InvalidInput),
        (lambda: Batches(Examples(shop.one, IDS), rows=0), InvalidInput),
    ):
        with pytest.raises(kind):
            make()


def test_examples_are_numpy_arrays(shop: Shop) -> None:
    numpy = pytest.importorskip("numpy")
    data = Examples(shop.training_set(), label="label", framework=numpy)
    numbers, labels = data.batch([0, 3])
    assert numbers.dtype == "float32" and numbers.tolist() == [[0, 0], [1.5, 3]] and labels.tolist() == [0, 1]
    numbers += 1
    assert data.batch([0])[0].tolist() == [[0, 0]], "a batch is the caller's own"


def test_torch_loads_examples(shop: Shop) -> None:
    torch = pytest.importorskip("torch")
    from torch.utils.data import DataLoader

    data = Examples(shop.training_set(), label="label", framework=torch)
    found = list(DataLoader(data, batch_size=2))
    assert [numbers.tolist() for numbers, _ in found] == [[[0, 0], [0.5, 1]], [[1, 2], [1.5, 3]], [[2, 4]]]
    assert [labels.tolist() for _, labels in found] == [[0, 1], [0, 1], [0]] and found[0][0].dtype == torch.float32
    served = list(DataLoader(Examples(shop.one, IDS, dtype="float64", framework=torch), batch_size=16, shuffle=True))
    assert sorted(row[1] for block in served for row in block.tolist()) == list(range(40))
    assert data.batch([])[0].shape == (0, 2) and torch.from_dlpack(shop.one.get_many(IDS)).shape == (40, 2)


def test_tensorflow_generates_batches() -> None:
    """In a process of its own: TensorFlow takes its time, and writes what it likes to the error stream."""
    pytest.importorskip("tensorflow")
    code = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
import tensorflow as tf
from tests.vectordb.interop.test_frameworks import IDS, Shop
from vectordb.interop import Batches, Examples
shop = Shop()
batches = Batches(Examples(shop.training_set(), label="label", framework="numpy"), rows=2)
spec = tuple(tf.TensorSpec(**one) for one in batches.signature)
made = tf.data.Dataset.from_generator(batches, output_signature=spec)
found = [(x.numpy().tolist(), y.numpy().tolist()) for x, y in made]
assert found[2] == ([[2.0, 4.0]], [0]) and len(found) == 3, found
matrix = shop.one.get_many(IDS)
assert tf.experimental.dlpack.from_dlpack(matrix.__dlpack__()).numpy().tolist() == matrix.numbers.to_rows()
assert tf.convert_to_tensor(matrix.numbers).numpy().tolist() == matrix.numbers.to_rows()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr


def test_without_numpy_the_numbers_are_a_block() -> None:
    code = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
from tests.vectordb.interop.stories import START
from vectordb import Dense, Float, VectorDB
from vectordb.interop import Examples, ServiceTransformer
db = VectorDB()
db.create_view("users", entity="user", features={{"age": Float()}}).put("u", {{"age": 1.5}})
service = db.create_service("s", features=["users:age"])
assert isinstance(ServiceTransformer(service).fit_transform(["u"]), Dense) and Examples(service, ["u"])[0] == [1.5]
assert not {{"numpy", "pyarrow", "torch", "sklearn"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
