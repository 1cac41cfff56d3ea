"""CSV (RFC 4180), UTF-8, with a header. Texts are always quoted, and nothing else is.

So ``""`` is the empty text and an empty field is null, ``"1"`` the entity "1" and ``1`` the entity 1, for readers that
look at quotes; others take ``null=`` and ``missing=`` markers, or ``statuses=True``. Vectors and tuples are JSON texts.

A text that begins with = + - @ (or their full-width forms), a tab or a line's end is run as a formula by spreadsheets
(OWASP, "CSV Injection"). Files for them take ``formula_safe=True``: such a text, in the header too, then has an
apostrophe in front, and is no longer the one that was stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from ledger import MISSING, write_atomically
from vectordb.exporting.cells import compact, iso, plain
from vectordb.exporting.options import Options
from vectordb.exporting.table import BOOL, FLOAT, INT, TIME, Table, Told

FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
END: Final = "\r\n"


def write_csv(path: str, table: Table, told: Told, options: Options) -> int:
    """The bytes written."""
    return write_atomically(path, _lines(table, told, options), files=told.files)


def _lines(table: Table, told: Told, options: Options) -> Iterator[bytes]:
    makers = [_maker(one.kind, options) for one in table.fields]
    null, missing = options.null, options.missing
    yield (",".join([quoted(_harmless(name, options)) for name in table.names]) + END).encode()
    for chunk in told:
        lines = [
            ",".join(
                [
                    null if cell is None else missing if cell is MISSING else make(cell)
                    for make, cell in zip(makers, row)
                ]
            )
            for row in chunk
        ]
        yield (END.join(lines) + END).encode()


def _harmless(text: str, options: Options) -> str:
    return f"'{text}" if options.formula_safe and text.startswith(FORMULAS) else text


def quoted(text: str) -> str:
    """A text between quotes.

    >>> print(quoted('say "no"'))
    "say ""no\"""
    """
    return '"' + text.replace('"', '""') + '"'


def _maker(kind: str, options: Options) -> Callable[[Any], str]:
    """What writes a cell that is there."""
    if kind in (INT, FLOAT):
        return repr
    if kind == BOOL:
        return _bool
    if kind == TIME:
        return iso
    make = plain(kind)

    def field(cell: Any) -> str:
        value = make(cell)
        if type(value) is int:
            return repr(value)
        text = value if isinstance(value, str) else compact(value)
        return quoted(_harmless(text, options))

    return field


def _bool(cell: bool) -> str:
    return "true" if cell else "false"
