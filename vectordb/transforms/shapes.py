"""Shapes: what each learnt attribute is, how it stands in a file, and what is refused on the way back.

Stored forms are JSON: numbers as Python's shortest text, which brings back the same float64; NaN and infinities, which
JSON has not, as {"float": "nan"}; whole numbers beyond 2**53 as {"int": "hex"}. What never changes: a stored state is
data; reading it looks names up in tables of this package, and runs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any, Final, NamedTuple

from ledger import InvalidInput

EXACT: Final = 2**53


class Shape(NamedTuple):
    """``write`` gives the plain form of an attribute; ``read`` (plain, place in the file) gives it back, or refuses."""

    write: Callable[[Any], Any]
    read: Callable[[Any, str], Any]


def refuse(rule: str, place: str, value: Any) -> InvalidInput:
    """The error of a malformed definition, which names the place."""
    return InvalidInput(f"a stored transformer is well formed: {rule}", place=place, value=value)


def write_scalar(value: Any) -> Any:
    """The plain form of a number, text, bool or None."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return int(value) if -EXACT <= value <= EXACT else {"int": hex(value)}
    if hasattr(value, "item") and not isinstance(value, float):
        return write_scalar(value.item())
    if isinstance(value, float):
        return float(value) if isfinite(value) else {"float": repr(float(value))}
    raise InvalidInput("a stored value is a number, text, a bool or None", value=value)


def read_scalar(plain: Any, place: str) -> Any:
    """See ``write_scalar``."""
    if plain is None or type(plain) in (bool, str, int) or (type(plain) is float and isfinite(plain)):
        return plain
    if isinstance(plain, Mapping) and len(plain) == 1:
        if plain.get("float") in ("nan", "inf", "-inf"):
            return float(plain["float"])
        text = plain.get("int")
        if isinstance(text, str) and len(text) < 20_000:
            try:
                return int(text, 16)
            except ValueError:
                pass
    raise refuse("a number, text, a bool or None", place, plain)


def _read_float(plain: Any, place: str) -> float:
    value = read_scalar(plain, place)
    if type(value) is not float and type(value) is not int:
        raise refuse("a number", place, plain)
    return float(value)


def _read_int(plain: Any, place: str) -> int:
    value = read_scalar(plain, place)
    if type(value) is not int:
        raise refuse("a whole number", place, plain)
    return value


def _read_bool(plain: Any, place: str) -> bool:
    if type(plain) is not bool:
        raise refuse("true or false", place, plain)
    return plain


def _read_text(plain: Any, place: str) -> str:
    if type(plain) is not str:
        raise refuse("text", place, plain)
    return plain


FLOAT: Final = Shape(lambda value: write_scalar(float(value)), _read_float)
INT: Final = Shape(write_scalar, _read_int)
BOOL: Final = Shape(bool, _read_bool)
TEXT: Final = Shape(str, _read_text)
SCALAR: Final = Shape(write_scalar, read_scalar)


def optional(shape: Shape) -> Shape:
    """The same, or None."""
    return Shape(
        lambda value: None if value is None else shape.write(value),
        lambda plain, place: None if plain is None else shape.read(plain, place),
    )


def each(shape: Shape, length: int | None = None) -> Shape:
    """A tuple of things of one shape, of a length where it is known."""

    def read(plain: Any, place: str) -> tuple[Any, ...]:
        items = read_list(plain, place)
        if length is not None and len(items) != length:
            raise refuse(f"{length} items", place, len(items))
        return tuple(shape.read(item, f"{place}[{number}]") for number, item in enumerate(items))

    return Shape(lambda value: [shape.write(item) for item in value], read)


def read_list(plain: Any, place: str) -> Sequence[Any]:
    """A list."""
    if not isinstance(plain, (list, tuple)):
        raise refuse("a list", place, plain)
    return plain


def read_object(plain: Any, place: str, names: Sequence[str]) -> Mapping[str, Any]:
    """An object with exactly these names."""
    if not isinstance(plain, Mapping):
        raise refuse("an object", place, plain)
    if set(plain) != set(names):
        wrong = sorted(map(str, set(plain) ^ set(names)))
        raise refuse(f"an object of {', '.join(names)}", place, {"unknown or missing": wrong[:10]})
    return plain


FLOATS: Final = each(FLOAT)
INTS: Final = each(INT)
TEXTS: Final = each(TEXT)
SCALARS: Final = each(SCALAR)
