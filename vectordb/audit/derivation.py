"""The cone behind versions: what they were derived from, and that in turn, with the names of the transformations."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from ledger import ROW_BITS, Erased, Log
from vectordb.audit.inputs import ERASED
from vectordb.version import version_id

if TYPE_CHECKING:
    from vectordb.reader import Reader

MOST: Final = 10_000  # versions of a cone


@dataclass(frozen=True)
class Derivation:
    """A version that others were derived from: in how many steps at the least, and from what itself, by what.

    ``status`` is ``present``, or ``erased``: then the id names the place only, ``@offset``.
    """

    version: str
    depth: int
    derived_from: tuple[str, ...]
    transformation: str | None
    status: str = "present"

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        held = {item.name: getattr(self, item.name) for item in fields(self)}
        return held | {"derived_from": list(self.derived_from)}


def cone_of(reader: Reader, refs: Iterable[int], most: int = MOST) -> tuple[Derivation, ...]:
    """The cone behind some versions, themselves first: breadth first, each version once, at most so many. 5 us each."""
    log, lineage = reader.state.log, reader.state.lineage
    depths = dict.fromkeys(refs, 0)
    waiting = deque(depths)
    found: list[Derivation] = []
    while waiting and len(found) < most:
        ref = waiting.popleft()
        sources = tuple(dict.fromkeys(lineage.upstream(ref)))
        for source in sources:
            if source not in depths:
                depths[source] = depths[ref] + 1
                waiting.append(source)
        found.append(_derivation(log, ref, depths[ref], sources))
    return tuple(found)


def _derivation(log: Log, ref: int, depth: int, sources: tuple[int, ...]) -> Derivation:
    names = tuple(_name(log, source) for source in sources)
    try:
        version = version_id(log, ref)
        origin = getattr(log.event(ref >> ROW_BITS).fact, "origin", None) if sources else None
    except Erased:
        return Derivation(_name(log, ref), depth, names, None, ERASED)
    return Derivation(version, depth, names, origin.transformation if origin else None)


def _name(log: Log, ref: int) -> str:
    try:
        return version_id(log, ref)
    except Erased:
        return f"@{ref >> ROW_BITS}"
