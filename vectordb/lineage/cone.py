"""The cone of a value: everything that it was derived from, down to the writes that derive from nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ledger import ROW_BITS, ROW_MASK, PredictionsRecorded
from vectordb.lineage.nodes import Node, row_node

if TYPE_CHECKING:
    from vectordb.state import State


class Cone(Sequence[str]):
    """The ids of a version or prediction and of all that is behind it, in the order of the log, itself last.

    ``refs`` are the same as references (offset and row in one int), and cost nothing more; ids are rendered when they
    are asked for (3 us each). ``offsets`` are the events that wrote them.
    """

    __slots__ = ("__dict__", "_state", "refs")

    def __init__(self, state: State, refs: tuple[int, ...]) -> None:
        self._state = state
        self.refs = refs

    @property
    def id(self) -> str:
        """The value whose cone it is."""
        return row_node(self._state, self.refs[-1]).id

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Every value with its kind, offset, row and status."""
        return tuple(row_node(self._state, ref) for ref in self.refs)

    @property
    def offsets(self) -> tuple[int, ...]:
        """Offsets of the events, each once, rising."""
        return tuple(dict.fromkeys(ref >> ROW_BITS for ref in self.refs))

    def __len__(self) -> int:
        return len(self.refs)

    def __iter__(self) -> Iterator[str]:
        return (node.id for node in self.nodes)

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return tuple(row_node(self._state, ref).id for ref in self.refs[place])
        return row_node(self._state, self.refs[place]).id

    def __contains__(self, value: object) -> bool:
        return any(node.id == value for node in self.nodes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Cone) and list(self) == list(other)

    def __hash__(self) -> int:
        return hash(self.refs)

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {"id": self.id, "nodes": [node._asdict() for node in self.nodes]}

    def __repr__(self) -> str:
        return f"Cone({self.id!r}, {len(self)} values)"


def find_cone(state: State, ref: int) -> Cone:
    """The cone of a row; to be called through ``read_past``. 1 us a value."""

    def sources(leaf: int) -> Sequence[int]:
        return prediction_sources(state, leaf) if state.predictions.has(leaf) else ()

    return Cone(state, tuple(state.lineage.closure((ref,), sources)))


def prediction_sources(state: State, ref: int) -> tuple[int, ...]:
    """The references that a prediction read, each once; none of one that was erased."""
    fact = state.log.event(ref >> ROW_BITS).fact
    if not isinstance(fact, PredictionsRecorded):
        return ()
    return tuple(dict.fromkeys(source for source in fact.predictions[ref & ROW_MASK].sources if source))
