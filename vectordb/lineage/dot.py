"""Graphviz DOT: the text that draws a graph."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from vectordb.lineage.nodes import Edge, Node

SHAPES: Final = {
    "version": "box", "prediction": "ellipse", "view": "folder", "feature": "note", "service": "component",
    "pipeline": "cds", "training_set": "box3d", "model": "hexagon", "experiment": "diamond",
}  # fmt: skip


def dot(nodes: Sequence[Node], edges: Sequence[Edge]) -> str:
    """A digraph. Ids are labels, nodes are numbered: no id can break out of its quotes."""
    return "\n".join(_lines(nodes, edges)) + "\n"


def _lines(nodes: Sequence[Node], edges: Sequence[Edge]) -> Iterator[str]:
    places = {node.id: place for place, node in enumerate(nodes)}
    yield "digraph lineage {"
    yield "  rankdir=LR;"
    for place, node in enumerate(nodes):
        style = ", style=dashed" if node.status != "present" else ""
        yield f"  n{place} [label={quoted(node.id)}, shape={SHAPES[node.kind]}{style}];"
    for edge in edges:
        text = edge.kind if edge.transformation is None else f"{edge.kind}: {edge.transformation}"
        yield f"  n{places[edge.source]} -> n{places[edge.target]} [label={quoted(text)}];"
    yield "}"


def quoted(text: str) -> str:
    r"""A label that shows exactly this text. A backslash would begin an escape there, an ampersand an entity of HTML, a
    quote end the label.

    >>> print(quoted('a"b\\N'))
    "a\"b\\N"
    """
    plain = text.replace("&", "&amp;").replace("\0", "\N{REPLACEMENT CHARACTER}")
    plain = plain.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + plain.replace("\r", "").replace("\n", "\\n") + '"'
