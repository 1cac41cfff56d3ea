"""A choice of columns by type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from ledger import InvalidInput
from vectordb.transforms.shapes import TEXTS, refuse

NUMBERS: Final = frozenset({"int", "float", "bool", "number"})
KNOWN: Final = ("number", "int", "float", "bool", "category", "text", "timestamp", "vector")


class OfType:
    """Every column of some types: ``OfType("number")``, ``OfType("category", "text")``.

    ``number`` is any of int, float and bool. Columns of plain rows are numbers where all their values are, else
    categories; those of a service have the types of its features.

    >>> OfType("number", "text").places(["int", "category", "float", "text"])
    [0, 2, 3]
    """

    def __init__(self, *types: str) -> None:
        if not types or not set(types) <= set(KNOWN):
            raise InvalidInput("a type is one of a feature's", types=list(types), known=list(KNOWN))
        self.types = types

    def places(self, kinds: Sequence[str]) -> list[int]:
        """The columns of these types."""
        wanted = set(self.types) | (NUMBERS if "number" in self.types else set())
        return [place for place, kind in enumerate(kinds) if kind in wanted]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OfType) and other.types == self.types

    def __hash__(self) -> int:
        return hash(self.types)

    def __repr__(self) -> str:
        return f"OfType({', '.join(map(repr, self.types))})"

    def to_plain(self) -> dict[str, list[str]]:
        """The stored form."""
        return {"types": list(self.types)}

    @classmethod
    def from_plain(cls, plain: Any, place: str) -> OfType:
        """See ``to_plain``."""
        types = TEXTS.read(plain, place)
        if not types or not set(types) <= set(KNOWN):
            raise refuse(f"types among {', '.join(KNOWN)}", place, plain)
        return cls(*types)
