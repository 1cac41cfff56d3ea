"""Lifetimes: who holds exported memory, and the callbacks by which foreign code lets go of it.

Foreign code may hold a table until after the interpreter has torn its modules down, and may let go of it at any moment:
on a thread of its own, while an exception is on its way, while Ctrl-C waits to be noticed. Six rules keep that from
aborting the process (exit codes 134 and 139); all of them were met the hard way:

1. a capsule has no destructor of ours: one that runs while an exception is pending would lose it. Capsules are held
   here instead, and those that nobody else holds any more are swept at the next export and at every garbage collection;
2. a release callback reads fields by address, releases the children, zeroes ``release`` and pops what is held from a
   dict; it reads no module global and casts nothing, since modules may be empty by then;
3. the callbacks and the dicts are immortal;
4. a producer's struct stays alive until its capsule dies (a consumer copies it and zeroes ``release`` in place);
5. memory is held for the life of its array, so only memory that never changes is exported;
6. a callback does its work first, whatever was pending when it was called (Arrow's C++ aborts where ``release`` is not
   zeroed). ctypes cannot hand a pending exception back: it is told on the error stream, and the caller's code raises
   SystemError. That is why NumPy and pyarrow, where they are loaded, make the structs (``native``).
"""

from __future__ import annotations

import gc
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
from sys import getrefcount
from typing import Any, Final, NamedTuple

from vectordb.interop.c_data.structs import (
    ArrowArray,
    ArrowArrayStream,
    ArrowSchema,
    DLManagedTensor,
    DLManagedTensorVersioned,
)

_new_capsule: Any = PYFUNCTYPE(py_object, c_void_p, c_char_p, c_void_p)(("PyCapsule_New", pythonapi))
_is_named: Any = PYFUNCTYPE(c_int, py_object, c_char_p)(("PyCapsule_IsValid", pythonapi))
_incref: Any = PYFUNCTYPE(None, py_object)(("Py_IncRef", pythonapi))
_probe: Any = PYFUNCTYPE(c_int)(("Py_IsInitialized", pythonapi))  # any call of Python's own raises what was pending
_held: dict[int, Any] = {}  # token -> what an exported struct points to
_given: dict[int, Given] = {}  # token -> a capsule and its struct
_tokens = count(1)
EIO: Final = 5
EINTR: Final = 4
Release = Callable[[int], None]


class Kind(NamedTuple):
    """A kind of exported struct: the name of its capsule, its callback as an address and as a function."""

    name: bytes
    release: int
    release_at: int
    let_go: Release


class Given(NamedTuple):
    """A capsule that was handed out."""

    capsule: Any
    struct: Structure
    kind: Kind


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
    """What a token keeps alive; None where it was released."""
    return things.get(token)


def held() -> int:
    """How many exported structs foreign code still holds, or capsules do."""
    sweep()
    return len(_held)


def pointer_of(callback: Any) -> int:
    """The address of a callback."""
    return cast(callback, c_void_p).value or 0


def _releaser(kind: type[Structure]) -> Release:
    """Releases a schema or an array at an address: rule 2. Again is harmless."""
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


def _stream_releaser() -> Release:
    fields: Any = ArrowArrayStream
    release_at, token_at = fields.release.offset, fields.private_data.offset
    word, pop = c_void_p.from_address, _held.pop

    def release(address: int) -> None:
        mark = word(address + release_at)
        if mark.value:
            mark.value = None
            pop(word(address + token_at).value or 0, None)

    return release


def _deleter(kind: type[Structure]) -> Release:
    fields: Any = kind
    token_at, word, pop = fields.manager.offset, c_void_p.from_address, _held.pop

    def delete(address: int) -> None:
        pop(word(address + token_at).value or 0, None)

    return delete


def _whatever_is_pending(work: Release) -> Release:
    """The work, done also where an exception is pending or an interrupt comes in between: rule 6."""
    probe = _probe

    def call(address: int) -> None:
        pending: BaseException | None = None
        try:
            probe()
        except BaseException as error:
            pending = error
        try:
            work(address)
        except BaseException:  # an interrupt: what was done is done, the rest follows
            work(address)
            raise
        if pending is not None:
            raise pending

    return call


_CALL = CFUNCTYPE(None, c_void_p)


def _kind(name: bytes, release_at: int, release: Release) -> Kind:
    callback = immortal(_CALL(_whatever_is_pending(release)))
    return immortal(Kind(name, pointer_of(callback), release_at, release))  # type: ignore[no-any-return]


def _all_kinds() -> tuple[Kind, ...]:
    for holder in (_held, _given):
        immortal(holder)
    structs: Any = (ArrowSchema, ArrowArray, ArrowArrayStream, DLManagedTensor, DLManagedTensorVersioned)
    schema, array, stream, plain, versioned = structs
    places: list[Any] = [schema.release, array.release, stream.release, plain.deleter, versioned.deleter]
    names = (b"arrow_schema", b"arrow_array", b"arrow_array_stream", b"dltensor", b"dltensor_versioned")
    release = (_releaser(schema), _releaser(array), _stream_releaser(), _deleter(plain), _deleter(versioned))
    return tuple(_kind(name, field.offset, own) for name, field, own in zip(names, places, release))


SCHEMA, ARRAY, STREAM, TENSOR, TENSOR_VERSIONED = _all_kinds()


def _sweeper() -> Callable[..., None]:
    """Forgets the capsules that nobody else holds, and releases what nobody took over from them: rule 1."""
    given, references, is_named, word = _given, getrefcount, _is_named, c_void_p.from_address
    probe = Given(object(), ArrowSchema(), SCHEMA)
    alone = references(probe.capsule)

    def sweep(phase: str = "start", info: object = None) -> None:
        if phase != "start" or not given:
            return
        for token, one in list(given.items()):
            if references(one.capsule) > alone or given.pop(token, None) is None:
                continue
            address = addressof(one.struct)
            # A consumer of Arrow zeroes ``release`` when it takes a struct over, one of DLPack renames the capsule.
            if is_named(one.capsule, one.kind.name) and word(address + one.kind.release_at).value:
                one.kind.let_go(address)

    return sweep


sweep = immortal(_sweeper())
gc.callbacks.append(sweep)


def capsule(kind: Kind, struct: Structure) -> Any:
    """A capsule of a struct: rules 1 and 4."""
    sweep()
    made = _new_capsule(addressof(struct), kind.name, None)
    _given[next(_tokens)] = Given(made, struct, kind)
    return made


def tensor_capsule(kind: Kind, struct: Any, things: Sequence[Any]) -> Any:
    """A capsule of a tensor, which a consumer keeps where it is until it calls the deleter."""
    struct.deleter = kind.release
    struct.manager = hold((struct, *things))
    return capsule(kind, struct)
