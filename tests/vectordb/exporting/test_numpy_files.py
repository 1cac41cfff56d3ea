"""npy and npz, read back by NumPy, against reads of the database; and their bytes where NumPy is absent."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.vectordb.exporting.shop import FEATURES, IDS
from vectordb import Category, Float, InvalidInput, Status, Text, Vector, VectorDB
from vectordb.exporting import npz_file
from vectordb.exporting.npy_file import header

CODES = {Status.PRESENT: 0, Status.NULL: 1, Status.MISSING: 2, Status.EXPIRED: 3}


@pytest.mark.parametrize("shape", [(0,), (3,), (2, 3), (10**9, 128)])
@pytest.mark.parametrize("dtype", ["<f8", "|u1", "<U12", "<M8[us]"])
def test_headers_are_numpys_own(dtype: str, shape: tuple[int, ...]) -> None:
    numpy = pytest.importorskip("numpy")
    written = io.BytesIO()
    told = {"descr": numpy.dtype(dtype).str, "fortran_order": False, "shape": shape}
    numpy.lib.format.write_array_header_1_0(written, told)
    ours = header(dtype, shape)
    assert len(ours) % 64 == 0 and len(ours) == len(written.getvalue())
    stream = io.BytesIO(ours)
    assert numpy.lib.format.read_magic(stream) == (1, 0)
    assert numpy.lib.format.read_array_header_1_0(stream) == (shape, False, numpy.dtype(dtype))


def test_npy_is_the_block_of_a_batch_read(db: VectorDB, tmp_path: Path) -> None:
    numpy = pytest.importorskip("numpy")
    told = db.export.view("goods", tmp_path / "a.npy", features=["count", "price", "open"])
    found = numpy.load(tmp_path / "a.npy", allow_pickle=False)
    wanted = numpy.asarray(db.view("goods").get_many(IDS, features=["count", "price", "open"]))
    assert told.rows == 6 and found.dtype == numpy.float64
    assert numpy.array_equal(found, wanted, equal_nan=True)
    assert numpy.array_equal(numpy.signbit(found), numpy.signbit(wanted))


def test_npy_of_a_vector(db: VectorDB, tmp_path: Path) -> None:
    numpy = pytest.importorskip("numpy")
    db.export.view("goods", tmp_path / "p.npy", features=["p"])
    found = numpy.load(tmp_path / "p.npy", allow_pickle=False)
    for place, entity in enumerate(IDS):
        vector = db.view("goods").get(entity)["p"]
        assert numpy.isnan(found[place]).all() if vector is None else numpy.array_equal(found[place], vector)
    assert found.dtype == numpy.float32
    with pytest.raises(InvalidInput, match="npy has a vector in every row"):
        sparse = VectorDB()
        view = sparse.create_view("v", entity="e", features={"b": FEATURES["bits"], "n": FEATURES["count"]})
        view.put("a", {"n": 1})
        sparse.export.view("v", tmp_path / "b.npy", features=["b"])


def test_npy_takes_numbers_only(db: VectorDB, tmp_path: Path) -> None:
    for features in (["price", "note"], ["price", "p"]):
        with pytest.raises(InvalidInput, match="npz"):
            db.export.view("goods", tmp_path / "a.npy", features=features)
    with pytest.raises(InvalidInput):
        db.export.log(tmp_path / "a.npy")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("compress", [False, True])
def test_npz_of_everything(db: VectorDB, tmp_path: Path, compress: bool) -> None:
    numpy = pytest.importorskip("numpy")
    db.export.view("goods", tmp_path / "a.npz", compress=compress)
    with numpy.load(tmp_path / "a.npz", allow_pickle=False) as found:
        arrays = {name: found[name] for name in found.files}
    assert set(arrays) == {"good", *FEATURES, *(f"{name}__status" for name in FEATURES)}
    assert {len(array) for array in arrays.values()} == {6}
    kinds = {name: arrays[name].dtype.str for name in ("count", "price", "open", "seen", "p", "bits")}
    assert kinds == {"count": "<i8", "price": "<f8", "open": "|b1", "seen": "<M8[us]", "p": "<f4", "bits": "|u1"}
    for place, entity in enumerate(IDS):
        row = db.view("goods").get(entity)
        for name, value in row.items():
            found_value, state = arrays[name][place], row.status_of(name)
            code = CODES[Status.PRESENT if state is Status.MISSING and name == "count" else state]
            assert arrays[f"{name}__status"][place] == code
            if code == 0:
                _check(numpy, name, found_value, value)


def _check(numpy: Any, name: str, found: Any, value: Any) -> None:
    if name == "seen":
        assert found == numpy.datetime64(value.replace(tzinfo=None), "us")
    elif name == "city":
        assert str(found) == (f'"{value}"' if isinstance(value, str) else str(value))  # texts and ints: JSON of each
    elif name in ("p", "bits"):
        assert found.tolist() == value.tolist()
    else:
        assert found.item() == value and repr(found.item()) == repr(value)


def test_npz_statuses_where_asked_are_whole(db: VectorDB, tmp_path: Path) -> None:
    numpy = pytest.importorskip("numpy")
    db.export.view("goods", tmp_path / "a.npz", statuses=True)
    with numpy.load(tmp_path / "a.npz") as found:
        for name in FEATURES:
            states = [CODES[db.view("goods").get(entity).status_of(name)] for entity in IDS]
            assert found[f"{name}__status"].tolist() == states


@pytest.mark.parametrize(
    ("ids", "dtype"), [([3, -1, 2**62], "i"), (["a", "Zürich"], "U"), ([1, "1"], "U"), ([2**70], "U"), ([], "U")]
)
def test_npz_ids(tmp_path: Path, ids: list[Any], dtype: str) -> None:
    numpy = pytest.importorskip("numpy")
    db = VectorDB()
    view = db.create_view("v", entity="e", features={"x": Float()})
    for entity in ids:
        view.put(entity, {"x": 1.0})
    db.export.view("v", tmp_path / "v.npz")
    with numpy.load(tmp_path / "v.npz", allow_pickle=False) as found:
        assert found["e"].dtype.kind == dtype
        wanted = ids if len({type(one) for one in ids}) == 1 and ids != [2**70] else ["1", '"1"'][: len(ids)]
        assert found["e"].tolist() == (wanted if ids != [2**70] else [str(2**70)])


def test_npz_refuses_texts_that_would_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(npz_file, "MAX_TEXTS", 1_000)
    db = VectorDB()
    view = db.create_view("v", entity="e", features={"x": Text(), "c": Category()})
    view.put("a", {"x": "long" * 100, "c": "x"})
    with pytest.raises(InvalidInput, match="jsonl"):
        db.export.view("v", tmp_path / "v.npz")
    assert list(tmp_path.iterdir()) == []


def test_a_feature_that_is_called_like_a_status(tmp_path: Path) -> None:
    db = VectorDB()
    view = db.create_view("v", entity="e", features={"x": Float(), "x__status": Float()})
    view.put("a", {"x__status": 2.5})
    db.export.view("v", tmp_path / "v.npz")
    with zipfile.ZipFile(tmp_path / "v.npz") as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == [
            "e.npy", "x.npy", "x__status.npy", "x__status_.npy", "x__status__status.npy",
        ]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float64", "float16", "int8"])
def test_vectors_keep_their_element_type(tmp_path: Path, dtype: str) -> None:
    numpy = pytest.importorskip("numpy")
    db = VectorDB()
    view = db.create_view("v", entity="e", features={"x": Vector(4, dtype=dtype)})
    view.put("a", {"x": [1, 2, 3, -4]})
    for ending in ("npy", "npz"):
        db.export.view("v", tmp_path / f"v.{ending}")
    with numpy.load(tmp_path / "v.npz") as found:
        for block in (found["x"], numpy.load(tmp_path / "v.npy")):
            assert block.dtype == numpy.dtype(dtype) and block.tolist() == [[1, 2, 3, -4]]
