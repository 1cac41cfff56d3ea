"""A counterfactual: the branch in which a history was told otherwise, and how it compares with the original."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from ledger import ROW_BITS, ROW_MASK, Entity, entity_to_json, render_version
from vectordb.views.version import find_row
from vectordb.what_if.offsets import Offsets

if TYPE_CHECKING:
    from vectordb.audit import Difference
    from vectordb.database import VectorDB
    from vectordb.past import Past


class Unreplayed(NamedTuple):
    """An event of the parent that the branch does not have: its offset and type there, and which rule refused it.

    ``code`` is the name of the error: ``Erased`` where values of it were destroyed, ``Pruned`` where a compaction let
    some go. Such an event is left out whole.
    """

    offset: int
    type: str
    code: str
    reason: str


class Kept(NamedTuple):
    """Something that could not be computed again and was taken over: a prediction's output, what a pipeline learnt, or
    a training set.

    ``offset`` is the parent's; ``name`` the id of the prediction in the branch, the pipeline's label or the set's name.
    """

    offset: int
    name: str
    reason: str


class Moved(NamedTuple):
    """A unit that meets another arm when it is assigned again; None: no arm."""

    offset: int
    experiment: str
    unit: Entity
    before: str
    after: str | None


@dataclass(frozen=True)
class Counterfactual:
    """``branch`` is a writable fork at offset ``after`` with the changed history; ``original`` the head told anew.

    ``replayed`` counts the events that were written again, ``dropped`` are those that were left out on purpose, and
    ``refused`` those that the branch could not take.
    """

    branch: VectorDB
    original: Past
    after: int
    replayed: int
    dropped: tuple[int, ...]
    refused: tuple[Unreplayed, ...]
    kept: tuple[Kept, ...]
    moved: tuple[Moved, ...]
    offsets: Offsets = field(repr=False, compare=False)

    def offset(self, offset: int) -> int | None:
        """The offset in the branch of an event of the original; None where it is not there."""
        self.original.event(offset)
        return self.offsets.of(offset)

    def version(self, version_id: str) -> str | None:
        """The id in the branch of a version or prediction of the original; None where it is not there."""
        wanted = find_row(self.original.state.log, version_id, self.original.as_of_offset)
        offset = self.offsets.of(wanted.offset)
        if offset is None:
            return None
        ref = offset << ROW_BITS | wanted.ref & ROW_MASK
        return render_version(wanted.collection, wanted.entity, ref, self.branch.state.log.rows_at(offset))

    def diff(self, **options: Any) -> Difference:
        """What differs from the original to the branch as it is now, both at the original's clock.

        ``options`` are those of ``Audit.diff``.
        """
        branch = self.branch
        head = branch.consistently(lambda: branch.as_of_offset)
        return self.original.audit.diff(self.original, branch.pinned(head, self.original.clock()), **options)

    def to_dict(self) -> dict[str, Any]:
        """What was done, as plain data; ``diff()`` has what came of it."""
        return {
            "after": self.after,
            "head": self.original.as_of_offset,
            "replayed": self.replayed,
            "dropped": list(self.dropped),
            "refused": [one._asdict() for one in self.refused],
            "kept": [one._asdict() for one in self.kept],
            "moved": [{**one._asdict(), "unit": entity_to_json(one.unit)} for one in self.moved],
        }

    def text(self) -> str:
        """Lines for people."""
        head = self.original.as_of_offset
        lines = [f"after {self.after}: {self.replayed} of {head - self.after} events replayed"]
        if self.dropped:
            lines.append(f"  {len(self.dropped)} dropped")
        lines += [f"  refused {one.offset} ({one.type}): {one.reason}" for one in self.refused]
        lines += [f"  kept {one.name}: {one.reason}" for one in self.kept]
        lines += [f"  moved {one.unit!r} of {one.experiment}: {one.before} -> {one.after}" for one in self.moved]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()
