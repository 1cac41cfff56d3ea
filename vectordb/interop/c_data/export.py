"""Export: columns as the capsules of the Arrow PyCapsule interface.

Source: https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html. Nothing is copied here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from ctypes import CFUNCTYPE, addressof, c_char_p, c_int, c_void_p, cast, memmove, sizeof
from struct import pack
from typing import Any

from vectordb.interop.c_data.column import NULLABLE, Cells, Column, Piece, Shape, check_alike
from vectordb.interop.c_data.lifetime import (
    ARRAY,
    EINTR,
    EIO,
    SCHEMA,
    STREAM,
    capsule,
    hold,
    immortal,
    pointer_of,
    things_of,
)
from vectordb.interop.c_data.structs import ArrowArray, ArrowArrayStream, ArrowSchema


def address_of(data: bytes) -> int:
    """Where bytes lie in memory; they do not move while something holds them."""
    return cast(c_char_p(data), c_void_p).value or 0


def _pointers(addresses: Sequence[int]) -> Any:
    return (c_void_p * len(addresses))(*addresses) if addresses else None


def _metadata(pairs: Sequence[tuple[bytes, bytes]]) -> bytes | None:
    """The number of pairs, then of each key and value the length and the bytes; lengths are native int32."""
    if not pairs:
        return None
    parts = [pack("=i", len(word)) + word for pair in pairs for word in pair]
    return pack("=i", len(pairs)) + b"".join(parts)


def make_schema(shape: Shape, name: str = "") -> ArrowSchema:
    """The struct of a kind; every part has a token of its own, since a consumer may move a child away."""
    children = [make_schema(child, own) for own, child in shape.children]
    pointers = _pointers([addressof(child) for child in children])
    other = None if shape.dictionary is None else make_schema(shape.dictionary)
    words = (shape.format.encode(), name.encode(), _metadata(shape.metadata))
    made = ArrowSchema(
        format=address_of(words[0]),
        name=address_of(words[1]),
        metadata=address_of(words[2]) if words[2] else None,
        flags=NULLABLE,
        n_children=len(children),
        children=addressof(pointers) if children else None,
        dictionary=None if other is None else addressof(other),
        release=SCHEMA.release,
    )
    made.private_data = hold((words, children, pointers, other))
    return made


def make_array(cells: Cells) -> ArrowArray:
    """The struct of cells; it points into their bytes, and holds them."""
    children = [make_array(child) for child in cells.children]
    pointers = _pointers([addressof(child) for child in children])
    other = None if cells.dictionary is None else make_array(cells.dictionary)
    buffers = _pointers([0 if piece is None else address_of(piece.data) + piece.start for piece in cells.buffers])
    made = ArrowArray(
        length=cells.length,
        null_count=cells.nulls,
        n_buffers=len(cells.buffers),
        n_children=len(children),
        buffers=addressof(buffers) if buffers is not None else None,
        children=addressof(pointers) if children else None,
        dictionary=None if other is None else addressof(other),
        release=ARRAY.release,
    )
    views = [memoryview(piece.data) for piece in cells.buffers if isinstance(piece, Piece)]
    made.private_data = hold((views, buffers, children, pointers, other))
    return made


def schema_capsule(shape: Shape) -> Any:
    """``arrow_schema``."""
    return capsule(SCHEMA, make_schema(shape))


def array_capsules(column: Column) -> tuple[Any, Any]:
    """``arrow_schema`` and ``arrow_array``."""
    return schema_capsule(column.shape), capsule(ARRAY, make_array(column.cells))


class _Stream:
    """What a stream has still to give, and why it stopped: an error is told again to whoever asks on."""

    def __init__(self, shape: Shape, batches: Iterator[Column]) -> None:
        self.shape = shape
        self.batches = batches
        self.error: bytes | None = None

    def schema(self, out: int) -> None:
        _move(make_schema(self.shape), out)

    def next(self, out: int) -> None:
        batch = next(self.batches, None)
        if batch is not None:
            check_alike(self.shape, batch.shape)
        _move(ArrowArray() if batch is None else make_array(batch.cells), out)  # one without ``release`` is the end


def _move(struct: Any, out: int) -> None:
    memmove(out, addressof(struct), sizeof(struct))


def stream_capsule(shape: Shape, batches: Iterable[Column]) -> Any:
    """``arrow_array_stream``: every batch is made when it is asked for."""
    made = ArrowArrayStream(*_CALLBACKS, STREAM.release)
    made.private_data = hold(_Stream(shape, iter(batches)))
    return capsule(STREAM, made)


def _callback(work: Callable[[_Stream, int], None]) -> int:
    """A call of a stream: errors become a code and a message, since none may pass through foreign code."""
    state_of, failed = _state_reader(), EIO

    def attempt(stream: int, out: int) -> int:
        state = state_of(stream)
        if state is None or state.error is not None:
            return failed  # released, or failed before
        try:
            work(state, out)
        except BaseException as error:
            state.error = f"{type(error).__name__}: {error}".encode("utf-8", "replace")
            return failed
        return 0

    return _settled(attempt, c_int, EINTR)


def _last_error() -> int:
    state_of, address = _state_reader(), address_of

    def attempt(stream: int, out: int) -> int:
        state = state_of(stream)
        error = None if state is None else state.error
        return address(error) if error else 0

    return _settled(attempt, c_void_p, 0)


def _state_reader() -> Callable[[int], Any]:
    token_at, word, find = ArrowArrayStream.private_data.offset, c_void_p.from_address, things_of
    return lambda stream: find(word(stream + token_at).value)


def _settled(attempt: Callable[[int, int], int], kind: Any, interrupted: int) -> int:
    """A callback that always answers; ``interrupted`` where its function did not come to an end.

    ctypes returns any number where a function raises, which an interrupt can make it do before its first line. So the
    function's answer is put aside (``inner`` returns nothing), and ``settle`` is called through C when it is over.
    """
    answers: dict[int, int] = immortal({})  # of the calls under way, by stream

    def answer(stream: int, out: int) -> None:
        answers[stream] = attempt(stream, out)

    def settle(result: None, function: object, given: tuple[int, int]) -> int:
        return answers.pop(given[0], interrupted)

    inner: Any = CFUNCTYPE(None, c_void_p, c_void_p)(answer)
    inner.errcheck = settle
    return pointer_of(immortal(CFUNCTYPE(kind, c_void_p, c_void_p)(inner)))


_CALLBACKS = (_callback(_Stream.schema), _callback(_Stream.next), _last_error())
