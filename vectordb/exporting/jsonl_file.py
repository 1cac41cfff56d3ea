"""JSON Lines: one object a row, UTF-8. Null is ``null``; a missing value's key is absent."""

from __future__ import annotations

from collections.abc import Iterator

from ledger import MISSING, write_atomically
from vectordb.exporting.cells import compact, plain
from vectordb.exporting.options import Options
from vectordb.exporting.table import Table, Told


def write_jsonl(path: str, table: Table, told: Told, options: Options) -> int:
    """The bytes written. Entities keep their type: text, number, or array."""
    return write_atomically(path, _lines(table, told), files=told.files)


def _lines(table: Table, told: Told) -> Iterator[bytes]:
    makers = [(one.name, plain(one.kind)) for one in table.fields]
    for chunk in told:
        lines = []
        for row in chunk:
            shown = {
                name: None if cell is None else make(cell)
                for (name, make), cell in zip(makers, row)
                if cell is not MISSING
            }
            lines.append(compact(shown))
        yield ("\n".join(lines) + "\n").encode()
