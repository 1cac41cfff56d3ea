"""The reproduction kit: one file with all that a prediction rests on, from which it is computed again elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ledger import (
    ROW_BITS,
    ROW_MASK,
    InvalidInput,
    KitTitle,
    omitted_line,
    runs_between,
    seal_line,
    spans_of,
    write_atomically,
)
from vectordb.audit.kit_events import kit_events
from vectordb.audit.proving import root, size_of, tree_of
from vectordb.version import find_row

if TYPE_CHECKING:
    from vectordb.prediction import Prediction
    from vectordb.reader import Reader
    from vectordb.state import State


@dataclass(frozen=True)
class ReproductionKit:
    """A kit: the prediction, the offsets of the events that are in it, size and root of the log that it is proven by.

    ``raw`` is the file. ``VectorDB.replay`` and ``python -m vectordb`` take it; it cannot be written to.
    """

    prediction: str
    offsets: tuple[int, ...]
    size: int
    root: str
    raw: bytes = field(repr=False)

    def write(self, path: str | os.PathLike[str]) -> int:
        """Write the file, whole or not at all; its bytes."""
        return write_atomically(path, iter([self.raw]))

    def to_dict(self) -> dict[str, Any]:
        """As plain data, without the file."""
        told = {"prediction": self.prediction, "offsets": list(self.offsets), "size": self.size, "root": self.root}
        return {**told, "bytes": len(self.raw)}


def make_kit(
    reader: Reader, prediction: Prediction, path: str | os.PathLike[str] | None, size: int | None
) -> ReproductionKit:
    """The kit of a prediction; written to a path, where one is given."""
    state, wanted = reader.state, size_of(reader, size)
    if wanted < prediction.offset:
        raise InvalidInput("a kit's tree holds its prediction", size=wanted, offset=prediction.offset)
    with state.lock:
        state.heal()
        ref = find_row(state.log, prediction.id, prediction.offset).ref
        held = kit_events(state, ref)
        found = root(reader, wanted)
        title = KitTitle(_pair(ref), tuple(map(_pair, held.predictions)), wanted, found)
        body = b"".join([title.line(), state.log.header.line(), *_lines(state, held.offsets, wanted)])
    kit = ReproductionKit(prediction.id, held.offsets, wanted, found, body + seal_line(body))
    if path is not None:
        kit.write(path)
    return kit


def _pair(ref: int) -> tuple[int, int]:
    return ref >> ROW_BITS, ref & ROW_MASK


def _lines(state: State, kept: tuple[int, ...], size: int) -> Iterator[bytes]:
    """The lines that are kept, and the runs between them and after them."""
    tree, log = tree_of(state), state.log
    joints = [span.first - 1 for span in spans_of(log.header) if span.first > 1]
    runs = iter([*runs_between(kept, joints), (size + 1, size)])
    first, last = next(runs)
    for offset in kept:
        while first < offset:
            yield omitted_line(first, last, tree.cover(first - 1, last - 1), log.digest(last))
            first, last = next(runs)
        yield state.journal.line(offset)
    if kept[-1] < size:
        yield omitted_line(kept[-1] + 1, size, tree.cover(kept[-1], size), None)
