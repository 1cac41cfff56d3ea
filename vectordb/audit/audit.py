"""The audit of a database: ``db.audit``, and of a past: ``db.as_of(n).audit``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ledger import Entity
from vectordb.erasing.erasure import BlastRadius

if TYPE_CHECKING:
    from vectordb.reader import Reader


class Audit:
    """Questions about the past of a database; each answers as of the reader that it was asked of.

    >>> from vectordb import VectorDB
    >>> VectorDB().audit
    Audit(as_of=0)
    """

    __slots__ = ("_reader",)

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    # -- one prediction --------------------------------------------------------------------------------

    # -- two states ------------------------------------------------------------------------------------

    # -- the whole -------------------------------------------------------------------------------------

    # -- proofs ----------------------------------------------------------------------------------------

    # -- erasure ---------------------------------------------------------------------------------------

    def blast_radius(self, view: str, entities: Entity | Iterable[Entity]) -> BlastRadius:
        """What ``erase`` would destroy, and what was made of it and would stay; nothing is changed.

        It looks at the whole log, also when asked of a past.
        """
        from vectordb.erasing.erasing import radius

        return radius(self._reader.state, view, entities)

    def __repr__(self) -> str:
        return f"Audit(as_of={self._reader.as_of_offset})"
