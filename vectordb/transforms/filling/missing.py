"""What counts as missing: NaN and None, or a value of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from ledger import InvalidInput, NotANumber
from vectordb.transforms.program import FLOAT, Program, Value
from vectordb.transforms.table import PLAIN_OR_NONE, check_floats, to_floats

NUMERIC: Final = frozenset({"float", "int", "bool", "number", "vector"})
SCALARS: Final = (str, int, float, type(None))
NUMBER: Final = "number"
OTHER: Final = "category"


def is_blank(value: Any) -> bool:
    """Whether a value is None or NaN."""
    return value is None or value != value


class Missing:
    """Says which values of a column are missing: ``missing_values`` is NaN or None (both are, then), or a value."""

    __slots__ = ("marker",)

    def __init__(self, missing_values: Any) -> None:
        if missing_values is not None and type(missing_values) not in (float, int, bool, str):
            item = getattr(missing_values, "item", None)
            missing_values = item() if item is not None else missing_values
            if type(missing_values) not in (float, int, bool, str):
                rule = "missing_values is NaN, None, a number or text"
                raise InvalidInput(rule, missing_values=missing_values)
        self.marker = missing_values

    @property
    def is_blank(self) -> bool:
        """Whether None and NaN are what is missing."""
        return is_blank(self.marker)

    def column(self, column: Sequence[Any], kind: str, label: str, finite: bool = False) -> Sequence[Any]:
        """A column as it is learnt from: numbers as floats; ``finite``: known to be."""
        if kind_of(column, kind) == OTHER:
            for value in column:
                if not isinstance(value, SCALARS):
                    rule = "what is filled is a number or text: its argument must be a string or a number, or None"
                    raise NotANumber(rule, feature=label, value=value)
            return column
        floats = column if kind == FLOAT else to_floats(column, label)
        if not (finite and kind == FLOAT and self.is_blank):
            check_floats(floats, label, self.is_blank)
        return floats

    def present(self, column: Sequence[Any]) -> list[Any]:
        """The values that are not missing."""
        if self.is_blank:
            return [value for value in column if value is not None and value == value]
        return [value for value in column if value != self.marker]

    def test(self, program: Program, value: Value, kind: str) -> tuple[str, Value, list[str]]:
        """The condition that a value is missing as a template of it, the value, and the constants from {1} on."""
        if kind == NUMBER:
            value = program.number(value)
            if self.is_blank:
                return "{0} != {0}", value, []
            value = program.present(value, "NaN is refused where another value is what is missing")
            return "{0} == {1}", value, [program.constant(self.marker)]
        if self.is_blank:
            return "{0} is None or {0} != {0}", value, []
        return "{0} == {1}", value, [program.constant(self.marker)]


def kind_of(column: Sequence[Any], kind: str) -> str:
    """Whether a column holds numbers or other things: of one that holds nothing, numbers."""
    if kind in NUMERIC or PLAIN_OR_NONE.issuperset(map(type, column)):
        return NUMBER
    return OTHER
