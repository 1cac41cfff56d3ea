"""Derivations: what versions were derived from, and that in turn, with the names of the transformations."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from ledger import ROW_BITS, Erased, Log, Pruned
from vectordb.audit.inputs import ERASED
from vectordb.plan import Status
from vectordb.version import version_id

if TYPE_CHECKING:
    from vectordb.reader import Reader

MOST: Final = 10_000  # versions of a cone
PRESENT: Final = str(Status.PRESENT)
PRUNED: Final = "pruned"


@dataclass(frozen=True)
class Derivation:
    """A version that others were derived from: in how many steps at the least, and from what itself, by what.

    ``status`` is ``present``, ``erased`` or ``pruned``: then the id names the place only, ``erased@offset.row``.
    """

    version: str
    depth: int
    derived_from: tuple[str, ...]
    transformation: str | None
    status: str = PRESENT

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        held = {item.name: getattr(self, item.name) for item in fields(self)}
        return held | {"derived_from": list(self.derived_from)}


def derivations_behind(reader: Reader, refs: Iterable[int], most: int = MOST) -> tuple[Derivation, ...]:
    """What is behind some versions, themselves first: breadth first, each version once, at most so many. 5 us each."""
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
    origin = getattr(log.event(ref >> ROW_BITS).fact, "origin", None)
    names = tuple(version_id(log, source) for source in sources)
    return Derivation(version_id(log, ref), depth, names, origin and origin.transformation, _status(log, ref))


def _status(log: Log, ref: int) -> str:
    try:
        log.owner(ref)
    except Erased:
        return ERASED
    except Pruned:
        return PRUNED
    return PRESENT
