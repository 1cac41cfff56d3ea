"""Reachable: every object that lives because of another one, searched for bytes and values.

    find_bytes(db, ["Ada Lovelace", 0.123456789, [0.25, 0.5, 0.75]])   ->   paths; [] where nothing is left

A pattern is a text, bytes, an int, a float, or a vector (a list, tuple or array of numbers). A text is looked for
in texts and as UTF-8 and JSON; a number as an equal object and as eight packed bytes; a vector packed as float32,
float64 and float16 and as an equal sequence; whatever is packed also as base64 at any alignment. Small or common
numbers are found everywhere: plant distinctive ones.

The walk goes by ``gc.get_referents``, so through slots, closures, partials, caches and memoryviews alike, and
starts at the namespaces of our own modules too, where a cache could be. It leaves out other modules, frames and
weak references. What a C object hides (a file's buffer, a compressed block) it cannot see.
"""

from __future__ import annotations

import gc
import json
import logging
import sys
from array import array
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from mmap import mmap
from struct import Struct, error, pack
from types import (
    BuiltinFunctionType,
    CodeType,
    FrameType,
    FunctionType,
    ModuleType,
    TracebackType,
)
from typing import Any

PACKAGES = ("ledger", "projections", "vectordb")
CLOSED = (ModuleType, FrameType, TracebackType, CodeType, logging.Logger)
BUFFERS = (bytes, bytearray, array, memoryview, mmap, BytesIO)
WORD = 64  # bits; a longer int may be a packed block


class Pattern:
    """One value in every form in which memory or a file may hold it."""

    def __init__(self, value: Any) -> None:
        self.value = value
        self.texts: list[str] = []
        self.blobs: list[bytes] = []
        self.sequences: list[list[float]] = []
        if isinstance(value, str):
            self.texts = list(dict.fromkeys([value, json.dumps(value)[1:-1]]))
            self.blobs = [text.encode() for text in self.texts]
        elif isinstance(value, (bytes, bytearray)):
            self._packed(bytes(value))
        elif isinstance(value, int):
            self._packed(*_tries("<q", [value]), *_tries(">q", [value]))
        elif isinstance(value, float):
            self._packed(pack("<d", value), pack(">d", value))
        else:
            self._vector([float(item) for item in value])

    def _packed(self, *forms: bytes) -> None:
        for form in forms:
            coded = [text for text in map(_base64_at, [form] * 3, range(3)) if len(text) >= 6]
            self.blobs += [form, *(text.encode() for text in coded)]
            self.texts += coded

    def _vector(self, values: list[float]) -> None:
        rounded = [part for form in _tries(f"<{len(values)}f", values) for part in array("f", form)]
        self.sequences = [values, rounded] if rounded else [values]
        forms = _tries(f"<{len(values)}f", values) + _tries(f"<{len(values)}d", values)
        forms += _tries(f"<{len(values)}d", rounded) if rounded else []
        forms += _tries(f"<{len(values)}e", values) if len(values) > 3 else []
        self._packed(*dict.fromkeys(forms))

    def is_in(self, data: Any) -> bool:
        """Whether a buffer (anything with ``find``) holds one of its forms."""
        return any(data.find(blob) >= 0 for blob in self.blobs)

    def is_shown_by(self, item: Any) -> bool:
        """Whether an object is it, or holds it in its own bytes."""
        kind = type(item)
        if isinstance(item, str):
            return any(text in item for text in self.texts)
        if isinstance(item, BUFFERS):
            return self.is_in(_searchable(item))
        if kind is int and item.bit_length() > WORD:
            return self.is_in(item.to_bytes(item.bit_length() // 8 + 1, "little", signed=True))
        if kind in (int, float):
            return type(self.value) is kind and bool(item == self.value)
        if isinstance(item, (list, tuple)) and self.sequences and len(item) == len(self.sequences[0]):
            return list(item) in self.sequences
        return False


def _tries(form: str, values: Sequence[float]) -> list[bytes]:
    """The packed values; none where the form cannot hold them."""
    try:
        return [Struct(form).pack(*values)]
    except (OverflowError, error):
        return []


def _base64_at(form: bytes, place: int) -> str:
    """The characters that these bytes alone decide in the base64 of a longer run where they start at 3n + place."""
    text = b64encode(bytes(place) + form).decode().rstrip("=")
    bits = 8 * (place + len(form))
    return text[-(-8 * place // 6) : bits // 6]


def _searchable(item: Any) -> Any:
    if isinstance(item, BytesIO):
        return item.getvalue()
    return item if isinstance(item, (bytes, bytearray, mmap)) else bytes(memoryview(item).cast("B"))


def found_in(data: bytes, patterns: Iterable[Any]) -> list[Any]:
    """The patterns that stand in some bytes, of a file for example."""
    return [value for value in patterns if Pattern(value).is_in(data)]


def find_bytes(
    root: Any, patterns: Iterable[Any], skip: Iterable[Any] = (), packages: Sequence[str] = PACKAGES, most: int = 20
) -> list[str]:
    """The paths to objects that hold a pattern, at most ``most``; ``skip`` are objects that are not entered.

    About 1 s for a million objects.
    """
    walk = Walk(skip)
    walk.start("root", root)
    for name, module in sorted(sys.modules.items()):
        if name.split(".")[0] in packages and module is not None:
            walk.start(name, vars(module))
    wanted = [Pattern(value) for value in patterns]
    found: list[str] = []
    for item, node in walk.items():
        for pattern in wanted:
            if pattern.is_shown_by(item):
                found.append(f"{walk.path(node, item)} holds {pattern.value!r}")
                if len(found) >= most:
                    return found
    return found


class Walk:
    """Every object once, nearest first, and how each was reached."""

    def __init__(self, skip: Iterable[Any] = ()) -> None:
        self._skipped = list(skip)  # kept, so that no id is given twice
        self._seen = {id(item) for item in self._skipped} | {id(self.__dict__), id(self)}
        self._nodes: list[tuple[Any, int]] = []  # container, node of its container
        self._names: dict[int, str] = {}

    def start(self, name: str, root: Any) -> None:
        """Walk from here too."""
        if id(root) not in self._seen:
            self._seen.add(id(root))
            self._names[len(self._nodes)] = name
            self._nodes.append((root, -1))

    def items(self) -> Iterator[tuple[Any, int]]:
        """Objects, each with the node of its container; -1 - n for the n-th root itself."""
        for node, (item, _) in enumerate(list(self._nodes)):
            yield item, -1 - node
        node = 0
        while node < len(self._nodes):
            for item in referents(self._nodes[node][0]):
                if id(item) in self._seen:
                    continue
                self._seen.add(id(item))
                yield item, node
                if not isinstance(item, (str, bytes, int, float)):
                    self._nodes.append((item, node))
            node += 1

    def path(self, node: int, item: Any) -> str:
        """How an object was reached."""
        if node < 0:
            return self._names[-1 - node]
        steps: list[str] = []
        while node >= 0:
            holder, above = self._nodes[node]
            steps.append(step(holder, item))
            if above < 0:
                steps.append(self._names[node])
            item, node = holder, above
        return "".join(reversed(steps))


def referents(item: Any) -> list[Any]:
    """What an object keeps alive, without the ways out to the rest of the interpreter."""
    if isinstance(item, CLOSED):
        return []
    if isinstance(item, FunctionType):
        return [item.__closure__, item.__defaults__, item.__kwdefaults__, vars(item)]
    if isinstance(item, type):
        return [dict(vars(item))] if item.__module__.split(".")[0] in PACKAGES else []
    if isinstance(item, BuiltinFunctionType):
        return [item.__self__]
    if isinstance(item, dict):  # a dict of texts does not tell the collector about its keys
        return [*dict.keys(item), *dict.values(item), *gc.get_referents(item)]
    return gc.get_referents(item)


def step(holder: Any, item: Any) -> str:
    """The name of an object in its holder."""
    if isinstance(holder, dict):
        for key, value in holder.items():
            if value is item:
                return f"[{key!r:.60}]"
            if key is item:
                return f".key({key!r:.60})"
    if isinstance(holder, (list, tuple)):
        for place, value in enumerate(holder):
            if value is item:
                return f"[{place}]"
    for name in _attributes(holder):
        value = getattr(holder, name, None)
        if value is item:
            return "" if name == "__dict__" else f".{name}"
    return f"<{type(holder).__name__}>"


def _attributes(holder: Any) -> list[str]:
    names = list(getattr(holder, "__dict__", ()))
    for kind in type(holder).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        names += [slots] if isinstance(slots, str) else list(slots)
    return [*names, "__dict__", "__self__", "__func__", "__closure__", "__defaults__", "cell_contents", "obj"]
