"""Lifetimes: who holds exported memory, and the callbacks by which foreign code lets go of it.

Foreign code may hold a table until after the interpreter has torn its modules down. Five rules keep that from
aborting the process (exit codes 134 and 139); all of them were met the hard way:

1. a capsule's destructor takes a raw pointer, never ``py_object`` (the capsule's count is zero already);
2. a release callback reads fields by address, releases the children, zeroes ``release`` and pops what is held from a
   dict; it reads no module global and casts nothing, since modules may be empty by then;
3. the callbacks and the dicts are immortal;
4. a producer's struct stays alive until its capsule dies (a consumer copies it and zeroes ``release`` in place);
5. memory is held for the life of its array, so only memory that never changes is exported.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ctypes import (
    CFUNCTYPE,
    PYFUNCTYPE,
    Structure,
    addressof,
    c_char_p,
    c_int,
    c_int64,
    c_void_p,
    cast,
    py_object,
    pythonapi,
    sizeof,
)
from itertools import count
from typing import Any, Final, NamedTuple

from vectordb.interop.structs import (
    ArrowArray,
    ArrowArrayStream,
    ArrowSchema,
    DLManagedTensor,
    DLManagedTensorVersioned,
)

_new_capsule: Any = PYFUNCTYPE(py_object, c_void_p, c_char_p, c_void_p)(("PyCapsule_New", pythonapi))
_incref: Any = PYFUNCTYPE(None, py_object)(("Py_IncRef", pythonapi))
_held: dict[int, Any] = {}  # token -> what an exported struct points to
_structs: dict[int, Any] = {}  # address -> the struct of a capsule
_tokens = count(1)
EIO: Final = 5


def immortal(thing: Any) -> Any:
    """The thing itself, never freed: rule 3."""
    _incref(thing)
    return thing


def hold(things: Any) -> int:
    """Keep things alive until their struct is released; the token goes into its ``private_data``."""
    token = next(_tokens)
    _held[token] = things
    return token


def things_of(token: int | None, things: Any = _held) -> Any:
    """What a token keeps alive."""
    return things[token]


def held() -> int:
    """How many exported structs foreign code still holds, or capsules do."""
    return len(_held)


def pointer_of(callback: Any) -> int:
    """The address of a callback."""
    return cast(callback, c_void_p).value or 0


def _releaser(kind: type[Structure]) -> Callable[[int], None]:
    """Releases a schema or an array at an address: rule 2."""
    fields: Any = kind
    size_at, children_at, other_at = fields.n_children.offset, fields.children.offset, fields.dictionary.offset
    release_at, token_at, step = fields.release.offset, fields.private_data.offset, sizeof(c_void_p)
    word, number, pop = c_void_p.from_address, c_int64.from_address, _held.pop

    def release(address: int) -> None:
        mark = word(address + release_at)
        if not mark.value:
            return  # moved away: its new owner releases it
        place, left = word(address + children_at).value, number(address + size_at).value
        while left and place:
            release(word(place).value or 0)
            place, left = place + step, left - 1
        other = word(address + other_at).value
        if other:
            release(other)
        mark.value = None
        pop(word(address + token_at).value or 0, None)

    return release


def _stream_releaser() -> Callable[[int], None]:
    fields: Any = ArrowArrayStream
    release_at, token_at = fields.release.offset, fields.private_data.offset
    word, pop = c_void_p.from_address, _held.pop

    def release(address: int) -> None:
        mark = word(address + release_at)
        if mark.value:
            mark.value = None
            pop(word(address + token_at).value or 0, None)

    return release


def _deleter(kind: type[Structure]) -> Callable[[int], None]:
    fields: Any = kind
    token_at, word, pop = fields.manager.offset, c_void_p.from_address, _held.pop

    def delete(address: int) -> None:
        pop(word(address + token_at).value or 0, None)

    return delete


def _destructor(name: bytes, release_at: int, let_go: Callable[[int], None]) -> Callable[[int], None]:
    """Of a capsule: releases what nobody took over. A consumer of DLPack renames the capsule instead: rule 1."""
    is_ours: Any = PYFUNCTYPE(c_int, c_void_p, c_char_p)(("PyCapsule_IsValid", pythonapi))
    address_in: Any = PYFUNCTYPE(c_void_p, c_void_p, c_char_p)(("PyCapsule_GetPointer", pythonapi))
    word, pop = c_void_p.from_address, _structs.pop

    def destroy(capsule: int) -> None:
        if is_ours(capsule, name):
            address = address_in(capsule, name)
            if word(address + release_at).value:
                let_go(address)
            pop(address, None)

    return destroy


class Kind(NamedTuple):
    """A kind of exported struct: the name of its capsule, and its two callbacks as addresses."""

    name: bytes
    release: int
    destroy: int


_CALL = CFUNCTYPE(None, c_void_p)


def _kind(name: bytes, release_at: int, release: Callable[[int], None]) -> Kind:
    callbacks = [immortal(_CALL(release)), immortal(_CALL(_destructor(name, release_at, release)))]
    return immortal(Kind(name, *map(pointer_of, callbacks)))  # type: ignore[no-any-return]


def _all_kinds() -> tuple[Kind, ...]:
    for holder in (_held, _structs):
        immortal(holder)
    structs: Any = (ArrowSchema, ArrowArray, ArrowArrayStream, DLManagedTensor, DLManagedTensorVersioned)
    schema, array, stream, plain, versioned = structs
    places: list[Any] = [schema.release, array.release, stream.release, plain.deleter, versioned.deleter]
    names = (b"arrow_schema", b"arrow_array", b"arrow_array_stream", b"dltensor", b"dltensor_versioned")
    release = (_releaser(schema), _releaser(array), _stream_releaser(), _deleter(plain), _deleter(versioned))
    return tuple(_kind(name, field.offset, own) for name, field, own in zip(names, places, release))


SCHEMA, ARRAY, STREAM, TENSOR, TENSOR_VERSIONED = _all_kinds()


def capsule(kind: Kind, struct: Structure) -> Any:
    """A capsule of a struct that a consumer copies out of it: rule 4."""
    _structs[addressof(struct)] = struct
    return _new_capsule(addressof(struct), kind.name, kind.destroy)


def tensor_capsule(kind: Kind, struct: Any, things: Sequence[Any]) -> Any:
    """A capsule of a tensor, which a consumer keeps where it is until it calls the deleter."""
    struct.deleter = kind.release
    struct.manager = hold((struct, *things))
    return _new_capsule(addressof(struct), kind.name, kind.destroy)
