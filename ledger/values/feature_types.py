"""Feature types: what a value of a feature may be, and its stored form.

A caller's **value** is checked into a **cell**, the normalised form that is stored, compared and hashed;
``show`` turns a cell back into the value that a read returns. Types are plain data: equal when their
arguments are equal, and written into the event that defines a view.

    type        values taken                                   cell      given back
    Int         int, ``__index__``; |v| <= 2**53; no bool      int       int
    Float       int, float, Decimal, ``__float__``; finite     float     float (-0.0 kept)
    Bool        bool                                           bool      bool
    Category    str or int, kept apart                         str, int  the same
    Text        str, at most ``max_bytes`` of UTF-8            str       str
    Timestamp   aware datetime, RFC 3339 text, seconds         int       aware UTC datetime
    Vector      see ``ledger.values.vector_type``                     bytes     read-only memoryview
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from math import isfinite
from operator import index
from typing import Any, ClassVar

from ledger.errors import DefinitionError, InvalidInput
from ledger.times import from_micros, to_micros
from ledger.values.rows import float_of, word_of

MAX_INT = 2**53
MAX_CATEGORY_BYTES = 65_536


@dataclass(frozen=True, kw_only=True)
class FeatureType:
    """Base of all feature types. ``default`` is what a read gives for a missing or expired value."""

    name: ClassVar[str]
    word: ClassVar[str] = "q"  # the struct character of its 8-byte word in a row: q (int64) or d (float64)
    fast: ClassVar[type | None] = None  # exactly this Python type, checked by ``fast_rule``, needs no ``check``
    fast_rule: ClassVar[str] = ""  # an expression over {v} (and this {kind}); true = the cell is the value itself
    heavy: ClassVar[bool] = False  # stored beside the row's words, not in one of them
    coded: ClassVar[bool] = False  # its word is a code of the category pool

    default: Any = None
    description: str = ""

    def __post_init__(self) -> None:
        if self.default is not None:
            try:
                self.check(self.default)
            except InvalidInput as error:
                raise DefinitionError(
                    "a default is a value of its type", type=self.name, default=self.default
                ) from error
        if not isinstance(self.description, str):
            raise DefinitionError("a description is text", description=self.description)
        try:
            self.description.encode()
        except UnicodeEncodeError as error:
            raise DefinitionError("a description is encodable as UTF-8", description=self.description) from error

    @staticmethod
    def rule_of(what: str, given: Any) -> str:
        """The rule that is broken where what was given is no feature type, and how one is made."""
        if isinstance(given, type) and issubclass(given, FeatureType) and given is not FeatureType:
            name = given.__name__
            return f"{what} has a feature type: write {name}({'dim' if name == 'Vector' else ''}), not {name}"
        return f"{what} has a feature type: Int(), Float(), Bool(), Category(), Text(), Timestamp() or Vector(dim)"

    def check(self, value: Any) -> Any:
        """The cell of a value; raises ``InvalidInput`` with the broken rule."""
        raise NotImplementedError

    def show(self, cell: Any) -> Any:
        """The value a read returns for a cell."""
        return cell

    def to_json(self, cell: Any) -> Any:
        """The JSON form of a cell."""
        return cell

    def from_json(self, value: Any) -> Any:
        """The cell of a JSON form; strict: only what ``to_json`` gives."""
        cell = self.check(value)
        if type(cell) is not type(value):
            raise InvalidInput(f"the stored form of {self.name} has its own JSON type", value=value)
        return cell

    def gap(self) -> Any:
        """What fills the place of a null or missing cell in a stored column."""
        return _GAPS.get(self.name, 0)

    def shape(self) -> dict[str, Any]:
        """The arguments that a name can never change: type, dimension, metric, element type."""
        return {"type": self.name}

    def definition(self) -> dict[str, Any]:
        """The type as plain data: its shape, and every argument that is not at its default."""
        data = self.shape()
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name not in data and value != item.default:
                data[item.name] = self.to_json(self.check(value)) if item.name == "default" else value
        return data

    @property
    def max_json(self) -> int:
        """How many bytes a value takes in a line, at most (a control character of a text takes six)."""
        return 8 + 6 * {"category": MAX_CATEGORY_BYTES, "text": getattr(self, "max_bytes", 0)}.get(self.name, 4)

    @property
    def reader(self) -> Callable[[bytes, int], tuple[Any, ...]]:
        """What reads its word in a packed row."""
        return float_of if self.word == "d" else word_of

    @property
    def shown_default(self) -> Any:
        """The default in the form a read returns."""
        return None if self.default is None else self.show(self.check(self.default))


@dataclass(frozen=True, kw_only=True)
class Int(FeatureType):
    """A whole number with |v| <= 2**53, so that a float64 block holds it exactly.

    >>> Int(default=0).check(12)
    12
    """

    name = "int"
    fast = int
    fast_rule = f"-{MAX_INT} <= {{v}} <= {MAX_INT}"

    def check(self, value: Any) -> int:
        """An int in range; raises ``InvalidInput``."""
        if isinstance(value, bool):
            raise InvalidInput("an Int is not a bool", value=value)
        try:
            number = index(value)
        except TypeError:
            raise InvalidInput("an Int is an int", value=value, type=type(value).__name__) from None
        if not -MAX_INT <= number <= MAX_INT:
            raise InvalidInput("an Int is at most 2**53 in size", value=number)
        return number


@dataclass(frozen=True, kw_only=True)
class Float(FeatureType):
    """A finite float64; -0.0 is kept.

    >>> Float().check(3)
    3.0
    """

    name = "float"
    word = "d"
    fast = float
    fast_rule = "{v} - {v} == 0.0"  # false for NaN and both infinities

    def check(self, value: Any) -> float:
        """A finite float; raises ``InvalidInput``."""
        if is_no_number(value):
            raise InvalidInput("a Float is a number, not a str or bool", value=value, type=type(value).__name__)
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            raise InvalidInput("a Float fits in float64", value=value) from None
        if not isfinite(number):
            raise InvalidInput("a Float is finite (NaN is refused unless nan='null')", value=number)
        return number


def is_no_number(value: Any) -> bool:
    """Whether a value is not one real number. NumPy's bools, times and complex numbers have ``__float__`` too."""
    kind = getattr(getattr(value, "dtype", None), "kind", "f")
    if isinstance(value, (bool, str, bytes, bytearray)) or (isinstance(kind, str) and kind not in "fiu"):
        return True
    return not hasattr(value, "__float__") and not hasattr(value, "__index__")


@dataclass(frozen=True, kw_only=True)
class Bool(FeatureType):
    """True or False; nothing else."""

    name = "bool"
    fast = bool
    fast_rule = "True"

    def check(self, value: Any) -> bool:
        """A bool, NumPy's included; raises ``InvalidInput``."""
        if isinstance(value, bool):
            return value
        if type(value).__name__ in {"bool_", "bool"} and type(value).__module__ == "numpy":
            return bool(value)
        raise InvalidInput("a Bool is True or False", value=value, type=type(value).__name__)


@dataclass(frozen=True, kw_only=True)
class Category(FeatureType):
    """A str or an int from a modest set; ``1`` and ``"1"`` are two categories."""

    name = "category"
    coded = True
    fast = str
    fast_rule = "{v} in known"  # a category seen before was checked before

    def check(self, value: Any) -> str | int:
        """A str or an int; raises ``InvalidInput``."""
        if isinstance(value, str):
            return check_text(value, MAX_CATEGORY_BYTES, "a Category")
        try:
            return _INT.check(value)
        except InvalidInput:
            rule = "a Category is a str, or an int of at most 2**53 in size"
            raise InvalidInput(rule, value=value, type=type(value).__name__) from None


@dataclass(frozen=True, kw_only=True)
class Text(FeatureType):
    """UTF-8 text of at most ``max_bytes`` (1 MiB)."""

    name = "text"
    heavy = True
    fast = str
    fast_rule = "{v}.isascii() and len({v}) <= {kind.max_bytes}"
    max_bytes: int = 1 << 20

    def __post_init__(self) -> None:
        if type(self.max_bytes) is not int or not 1 <= self.max_bytes <= 1 << 26:
            raise DefinitionError("max_bytes is an int from 1 to 64 MiB", max_bytes=self.max_bytes)
        super().__post_init__()

    def check(self, value: Any) -> str:
        """A str that is encodable and not too long; raises ``InvalidInput``."""
        if not isinstance(value, str):
            raise InvalidInput("a Text is a str", value=value, type=type(value).__name__)
        return check_text(value, self.max_bytes, "a Text")


@dataclass(frozen=True, kw_only=True)
class Timestamp(FeatureType):
    """An instant, to the microsecond."""

    name = "timestamp"

    def check(self, value: Any) -> int:
        """Microseconds of an aware datetime, RFC 3339 text, or seconds."""
        return to_micros(value)

    def show(self, cell: Any) -> Any:
        """The aware UTC datetime."""
        return from_micros(cell)

    def from_json(self, value: Any) -> int:
        """An integer of microseconds; raises ``InvalidInput``."""
        if type(value) is not int:
            raise InvalidInput("the stored form of a timestamp is whole microseconds", value=value)
        return _INT.check(value)


def check_text(value: str, max_bytes: int, what: str) -> str:
    """The text itself when it is encodable as UTF-8 and not too long."""
    try:
        size = len(value) if value.isascii() else len(value.encode())
    except UnicodeEncodeError:
        raise InvalidInput(f"{what} is encodable as UTF-8: no lone surrogates", value=value) from None
    if size > max_bytes:
        raise InvalidInput(f"{what} has at most {max_bytes} bytes of UTF-8", bytes=size, start=value[:40])
    return str.__str__(value)


def is_nan(value: Any) -> bool:
    """Whether a value is a NaN of any numeric type (sequences and text are not)."""
    if not hasattr(value, "__float__") or hasattr(value, "__len__"):
        return False
    try:
        return bool(value != value)
    except ArithmeticError:  # a signalling Decimal NaN
        return True


_GAPS: dict[str, Any] = {"float": 0.0, "text": ""}
_INT = Int()
