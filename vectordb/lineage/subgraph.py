"""A part of the lineage graph, as an immutable value that can be shown, walked and exported."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from heapq import heapify, heappop, heappush
from typing import Any

from ledger import UnknownName
from vectordb.lineage.dot import dot
from vectordb.lineage.links import Links
from vectordb.lineage.nodes import Edge, Key, Link, Node
from vectordb.lineage.openlineage import PRODUCER, run_events, runs_of
from vectordb.lineage.walking import Walked, rank


@dataclass(frozen=True)
class Lineage:
    """Nodes in the order in which they were written, and edges from what is depended on to what depends on it.

    ``root`` is the id that was asked for, ``as_of`` the offset that the graph is of.
    """

    root: str
    as_of: int
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    links: Links = field(repr=False, compare=False)

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """The ids of the nodes, in order."""
        return tuple(node.id for node in self.nodes)

    def of_kind(self, kind: str) -> tuple[str, ...]:
        """The ids of the nodes of one kind: version, prediction, feature, service, ..."""
        return tuple(node.id for node in self.nodes if node.kind == kind)

    def node(self, name: str) -> Node:
        """The node of an id; raises ``UnknownName``."""
        found = self._by_id.get(name)
        if found is None:
            raise UnknownName("the graph has no such node", id=name, root=self.root)
        return found

    @cached_property
    def _by_id(self) -> dict[str, Node]:
        return {node.id: node for node in self.nodes}

    def __contains__(self, name: object) -> bool:
        return name in self._by_id

    def __iter__(self) -> Iterator[str]:
        return iter(self.ids)

    def __len__(self) -> int:
        return len(self.nodes)

    def ordered(self) -> tuple[str, ...]:
        """The ids in a topological order: what is depended on comes first, and of what is free the earlier written.

        Rows never form a cycle. A model may, when it is named by a training set that was derived from its own
        predictions: the nodes of a cycle come last. Source: Kahn, "Topological sorting of large networks" (1962).
        """
        places = {name: place for place, name in enumerate(self.ids)}
        pairs = {(places[edge.source], places[edge.target]) for edge in self.edges}
        waits, onward = [0] * len(places), [[] for _ in places]  # type: tuple[list[int], list[list[int]]]
        for source, target in sorted(pairs):
            waits[target] += 1
            onward[source].append(target)
        free = [place for place, count in enumerate(waits) if not count]
        heapify(free)
        found: list[int] = []
        while free:
            found.append(heappop(free))
            for target in onward[found[-1]]:
                waits[target] -= 1
                if not waits[target]:
                    heappush(free, target)
        rest = sorted(set(range(len(places))) - set(found))
        return tuple(self.ids[place] for place in (*found, *rest))

    # -- exports -----------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON data."""
        nodes, edges = [node._asdict() for node in self.nodes], [edge._asdict() for edge in self.edges]
        return {"root": self.root, "as_of": self.as_of, "nodes": nodes, "edges": edges}

    def dot(self) -> str:
        """As a Graphviz digraph; edges lead to what depends."""
        return dot(self.nodes, self.edges)

    def openlineage(self, *, producer: str = PRODUCER) -> list[dict[str, Any]]:
        """As OpenLineage run events: one for each event of the log that derived, fitted, joined or predicted a node."""
        return run_events(self.links, runs_of(self.links, self.nodes), producer)

    def __repr__(self) -> str:
        return f"Lineage({self.root!r}, {len(self.nodes)} nodes, {len(self.edges)} edges, as_of={self.as_of})"


def make_lineage(links: Links, root: str, walked: Walked) -> Lineage:
    """The value of a walk: sorted, named, each edge once."""
    order = {key: rank(links, key) for key in walked.keys}
    nodes = {key: links.node(key) for key in sorted(walked.keys, key=order.__getitem__)}
    return Lineage(
        root=root,
        as_of=links.limit,
        nodes=tuple(nodes.values()),
        edges=tuple(_edge(nodes, link) for link in _sorted(walked.links, order)),
        links=links,
    )


def _sorted(links: list[Link], order: dict[Key, tuple[int, int, str]]) -> list[Link]:
    return sorted(set(links), key=lambda link: (order[link.target], order[link.source], link.kind, link.offset))


def _edge(nodes: dict[Key, Node], link: Link) -> Edge:
    return Edge(nodes[link.source].id, nodes[link.target].id, *link[2:])
