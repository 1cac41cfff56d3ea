"""What counts as missing: NaN and None, or a value of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from ledger import InvalidInput, NotANumber
from vectordb.transforms.program import FLOAT, Program, Refusal, Value
from vectordb.transforms.table import PLAIN_OR_NONE, Table, check_floats, to_floats

NUMERIC: Final = frozenset({"float", "int", "bool", "number", "vector"})
SCALARS: Final = (str, int, float, type(None))
NUMBER: Final = "number"
OTHER: Final = "category"
EMPTY: Final = "none"  # of a feature without values, which may still turn out to be either
NAN_BESIDE: Final = "Input X contains NaN, where another value is what is missing."


def is_blank(value: Any) -> bool:
    """Whether a value is None or NaN."""
    return value is None or value != value


class Missing:
    """Says which values of a column are missing: ``missing_values`` is NaN or None (both are, then), or a value."""

    __slots__ = ("marker",)

    def __init__(self, missing_values: Any) -> None:
        item = getattr(missing_values, "item", None)
        marker = item() if item is not None else missing_values
        if marker is not None and type(marker) not in (float, int, bool, str):
            raise InvalidInput("missing_values is NaN, None, a number or text", missing_values=missing_values)
        self.marker = marker

    @property
    def is_blank(self) -> bool:
        """Whether None and NaN are what is missing."""
        return is_blank(self.marker)

    def kinds(self, table: Table) -> tuple[str, ...]:
        """The kind of each column; text is nowhere missing among numbers alone."""
        kinds = tuple(map(kind_of, table.columns, table.kinds))
        if isinstance(self.marker, str) and OTHER not in kinds and NUMBER in kinds:
            rule = "'X' and 'missing_values' types are expected to be both numerical"
            raise InvalidInput(rule, missing_values=self.marker)
        return kinds

    def columns(self, table: Table, kinds: Sequence[str]) -> Table:
        """A table as it is learnt from: numbers as floats, finite, and without NaN unless that is what is missing."""
        columns = []
        for column, given, kind, label in zip(table.columns, table.kinds, kinds, table.labels):
            known = table.finite and given == FLOAT
            columns.append(self._floats(column, given, label, known) if kind == NUMBER else self._others(column, label))
        shown = tuple(FLOAT if kind == NUMBER else given for kind, given in zip(kinds, table.kinds))
        return table._replace(columns=columns, kinds=shown, finite=True)

    def _floats(self, column: list[Any], kind: str, label: str, finite: bool) -> list[float]:
        floats = column if kind == FLOAT else to_floats(column, label)
        if not (finite and self.is_blank):
            check_floats(floats, label, self.is_blank)
        return floats

    def _others(self, column: list[Any], label: str) -> list[Any]:
        for value in column:
            if not isinstance(value, SCALARS):
                rule = "what is filled is a number or text: its argument must be a string or a number, or None"
                raise NotANumber(rule, feature=label, value=value)
            if value != value and not self.is_blank:
                raise InvalidInput(NAN_BESIDE, feature=label)
        return column

    def present(self, column: Sequence[Any]) -> list[Any]:
        """The values that are not missing."""
        if self.is_blank:
            return [value for value in column if value is not None and value == value]
        return [value for value in column if value != self.marker]

    def test(self, program: Program, value: Value, kind: str) -> tuple[str, Value, list[str]]:
        """The condition that a value is missing as a template of it, the value, and the constants from {1} on."""
        if kind == NUMBER or value.kind == FLOAT:
            value = program.number(value)
            if self.is_blank:
                return "{0} != {0}", value, []
            value = program.present(value, NAN_BESIDE)
            return "{0} == {1}", value, [program.constant(self.marker)]
        if self.is_blank:
            return "{0} is None or {0} != {0}", value, []
        refusal = program.constant(Refusal(value.label, NAN_BESIDE))
        value = program.let("{0} if {0} == {0} else {1}({0})", value, refusal, kind=value.kind)
        return "{0} == {1}", value, [program.constant(self.marker)]


def kind_of(column: Sequence[Any], kind: str) -> str:
    """Whether a column holds numbers, other things, or nothing."""
    if kind in NUMERIC:
        return NUMBER
    types = set(map(type, column))
    if types <= {type(None)}:
        return EMPTY
    return NUMBER if types <= PLAIN_OR_NONE else OTHER


def resolved(kinds: Sequence[str], text: bool = False) -> tuple[str, ...]:
    """Kinds in which a feature without values is one of numbers, unless there is text anywhere (or ``text``)."""
    empty = OTHER if text or OTHER in kinds else NUMBER
    return tuple(empty if kind == EMPTY else kind for kind in kinds)
