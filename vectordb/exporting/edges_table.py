"""The lineage graph as a table: one row an edge, first those among definitions, then those into rows by offset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ledger import EventPruned
from vectordb.exporting.table import INT, TEXT, Field, Row, Table, chunked
from vectordb.lineage.links import Links
from vectordb.lineage.nodes import Link

if TYPE_CHECKING:
    from vectordb.reader import Reader

FIELDS = (
    Field("source", TEXT), Field("target", TEXT), Field("kind", TEXT), Field("transformation", TEXT),
    Field("offset", INT), Field("source_status", TEXT), Field("target_status", TEXT),
)  # fmt: skip


def edges_table(reader: Reader) -> Table:
    """Of a pinned reader: everything that says what it was made of. Which rows a fit saw is left to ``impact``.

    A row that is gone is named ``erased@offset.row`` or ``pruned@offset.row``, and its status says so.
    """
    left_out: Counter[str] = Counter()
    links = Links(reader.state, reader.as_of_offset)

    def rows() -> Iterator[Row]:
        state = reader.state
        for key in state.read_past(lambda: list(links.definitions.nodes)):
            for link in state.read_past(_into, links, key):
                yield _row(links, link)
        for event in reader.events():
            if isinstance(event.fact, EventPruned):
                left_out["pruned events"] += 1
            else:
                for link in state.read_past(_into_event, links, event.offset):
                    yield _row(links, link)

    return Table("lineage", reader.as_of_offset, FIELDS, lambda: chunked(rows()), None, left_out)


def _into(links: Links, key: str) -> list[Link]:
    return list(links.into(key))


def _into_event(links: Links, offset: int) -> list[Link]:
    return [link for ref in links.rows_of(offset) for link in links.into(ref)]


def _row(links: Links, link: Link) -> Row:
    source, target = links.node(link.source), links.node(link.target)
    return source.id, target.id, link.kind, link.transformation, link.offset, source.status, target.status
