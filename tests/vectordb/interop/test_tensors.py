"""DLPack capsules, decoded word by word; and by NumPy and PyTorch where they are there."""

from __future__ import annotations

import ctypes
import gc
import struct
from typing import Any

import pytest

from tests.vectordb.interop.capsules import words
from tests.vectordb.interop.stories import IDS, make
from vectordb import Dense
from vectordb.interop import held

IS_VALID = ctypes.pythonapi.PyCapsule_IsValid
IS_VALID.restype, IS_VALID.argtypes = ctypes.c_int, [ctypes.py_object, ctypes.c_char_p]
GET = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(("PyCapsule_GetPointer", ctypes.pythonapi))
RENAME = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.c_char_p)(("PyCapsule_SetName", ctypes.pythonapi))
BLOCK = Dense(struct.pack("<6d", 1, 2, 3, 4, 5, 6), (3, 2), "float64")


def tensor(address: int) -> tuple[Any, ...]:
    """(address of data, device, ndim, (code, bits, lanes), shape, strides, byte offset)."""
    data, device, index, ndim, code, bits, lanes, shape, strides, start = struct.unpack(
        "<qiiiBBHqqQ", ctypes.string_at(address, 48)
    )
    return data, (device, index), ndim, (code, bits, lanes), words(shape, ndim), words(strides, ndim), start


def test_a_versioned_tensor_shares_memory_and_says_that_it_is_read_only(own_structs: None) -> None:
    gc.collect()
    before = held()
    capsule = BLOCK.rows(1, 3).__dlpack__(max_version=(1, 2))
    assert IS_VALID(capsule, b"dltensor_versioned") and not IS_VALID(capsule, b"dltensor")
    address = GET(capsule, b"dltensor_versioned")
    assert struct.unpack("<II", ctypes.string_at(address, 8)) == (1, 0) and words(address + 24, 1) == (1,)
    own = BLOCK.__array_interface__["data"][0] + 16
    assert tensor(address + 32) == (own, (1, 0), 2, (2, 64, 1), (2, 2), (2, 1), 0)
    assert held() == before + 1
    del capsule
    gc.collect()
    assert held() == before


def test_an_older_consumer_gets_a_copy(own_structs: None) -> None:
    capsule = BLOCK.__dlpack__()
    found = tensor(GET(capsule, b"dltensor"))
    assert found[0] != BLOCK.__array_interface__["data"][0] and ctypes.string_at(found[0], 48) == BLOCK.raw
    copied = BLOCK.__dlpack__(max_version=(1, 0), copy=True)
    address = GET(copied, b"dltensor_versioned")
    assert words(address + 24, 1) == (2,) and tensor(address + 32)[0] != BLOCK.__array_interface__["data"][0]


def test_a_consumer_calls_the_deleter(own_structs: None) -> None:
    gc.collect()
    before = held()
    capsule = BLOCK.__dlpack__(max_version=(1, 0))
    address = GET(capsule, b"dltensor_versioned")
    assert RENAME(capsule, b"used_dltensor_versioned") == 0
    del capsule
    gc.collect()
    assert held() == before + 1 and tensor(address + 32)[2] == 2, "the tensor outlives its capsule"
    ctypes.CFUNCTYPE(None, ctypes.c_void_p)(words(address + 16, 1)[0])(address)
    assert held() == before


def test_what_cannot_be_promised_is_refused() -> None:
    with pytest.raises(BufferError, match="device"):
        BLOCK.__dlpack__(dl_device=(2, 0))
    with pytest.raises(BufferError, match="read-only"):
        BLOCK.__dlpack__(copy=False)
    assert BLOCK.__dlpack_device__() == (1, 0)
    assert BLOCK.__dlpack__(dl_device=(1, 0), copy=False, max_version=(1, 0)) is not None


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int8", "uint8"])
@pytest.mark.parametrize("own", [True, False])
def test_numpy_reads_the_same_memory(dtype: str, own: bool, request: pytest.FixtureRequest) -> None:
    numpy = pytest.importorskip("numpy")
    if own:
        request.getfixturevalue("own_structs")
    expected = numpy.arange(6).reshape(3, 2).astype(dtype)
    block = Dense(expected.tobytes(), (3, 2), dtype)
    seen = numpy.from_dlpack(block)
    assert seen.dtype == dtype and seen.tolist() == expected.tolist() and not seen.flags.writeable
    assert seen.__array_interface__["data"][0] == block.__array_interface__["data"][0]
    assert numpy.from_dlpack(Dense(b"", (0, 2), dtype)).shape == (0, 2)


def test_torch_reads_the_same_memory() -> None:
    torch = pytest.importorskip("torch")
    _, view = make()
    matrix = view.get_many(IDS, ["trips", "vip"])
    seen = torch.from_dlpack(matrix)
    assert seen.data_ptr() == matrix.__array_interface__["data"][0] and seen.dtype == torch.float64
    assert seen[:, 0].tolist() == [12, 2.0**53, -3, 0] and torch.from_dlpack(matrix[1:3])[0, 0] == 2.0**53
    vectors = view.get_many(["d-1", "d-3"]).vectors("profile")
    assert torch.from_dlpack(vectors).tolist() == [[1.0, 2.0, 3.0], [0.5, 0.25, -1.0]]


def test_a_block_of_one_row_has_bytes_of_its_own() -> None:
    """PyTorch writes to what DLPack says is read-only; the row that is held for the next read was changed by it."""
    db, view = make()
    service = db.create_service("s", features=["drivers:trips"])
    for read in (
        lambda: view.get_many(["d-1"], ["trips"]),
        lambda: db.as_of(2).view("drivers").get_many(["d-1"], ["trips"]),
        lambda: service.get_many(["d-1"]),
        lambda: view.get_many(["d-1"]).vectors("profile"),
    ):
        expected = getattr(read(), "numbers", read()).to_rows()
        kept = [read() for _ in range(3)]
        assert len({one.__array_interface__["data"][0] for one in kept}) == 3
        address = kept[0].__array_interface__["data"][0]
        ctypes.memset(address, 0x7F, 8)
        for other in (read(), kept[1]):
            assert getattr(other, "numbers", other).to_rows() == expected
