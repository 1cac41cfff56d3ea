"""The lineage graph of a database: ``db.lineage``, and of a past: ``db.as_of(n).lineage``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ledger import InvalidInput, OffsetOutOfRange
from vectordb.lineage.cone import Cone, find_cone
from vectordb.lineage.impact import Impact, find_impact, keys_of_event
from vectordb.lineage.links import Links
from vectordb.lineage.nodes import Key, Link, Named, node_kind, ref_of, text_of, unknown
from vectordb.lineage.openlineage import PRODUCER, all_runs, run_events
from vectordb.lineage.subgraph import Lineage, make_lineage
from vectordb.lineage.walking import Walked, find_paths, walk_down, walk_up

if TYPE_CHECKING:
    from vectordb.reader import Reader

T = TypeVar("T")
VERSIONED: Final = ("view", "service", "pipeline", "model", "experiment")


class LineageGraph:
    """What was derived from what, as of the reader that it was asked of: nothing that was recorded later is seen.

    A node is named by a version id or prediction id (or the ``Version`` or ``Prediction`` itself), or as a definition:
    ``view:drivers@1``, ``feature:drivers:trips``, ``service:ranker@1``, ``pipeline:ranker#1``, ``model:risk@1``,
    ``experiment:ranking@1``, ``training_set:march``; without its version, the one in force. Unknown ones raise
    ``UnknownName`` or ``UnknownVersion``. Which predictions read what is worked out when it is first asked (2 us an
    input of a prediction), and kept up from then on.

    >>> from vectordb import Int, VectorDB
    >>> db = VectorDB()
    >>> trips = db.create_view("trips", entity="driver", features={"count": Int()})
    >>> raw = trips.put("d-7", {"count": 3}).versions
    >>> total = trips.put("all", {"count": 3}, derived_from=raw, transformation="sum@1").versions[0]
    >>> db.lineage.upstream(total).edges[0][:4]
    ('trips/d-7@2', 'trips/all@3', 'derived', 'sum@1')
    >>> db.lineage.impact(2).versions, list(db.lineage.cone(total))
    (('trips/all@3',), ['trips/d-7@2', 'trips/all@3'])
    """

    __slots__ = ("_reader",)

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    # -- graphs ----------------------------------------------------------------------------------------------

    def upstream(self, node: Named, depth: int | None = None) -> Lineage:
        """What a node depends on, at most ``depth`` edges away (None: all of it).

        A version: what it was derived from. A prediction: the versions that it read, its service, pipeline, model and
        experiment, and what is behind them. A pipeline: its service, and the views that it was fitted on (which rows
        they had is told by ``impact`` and ``downstream`` of a version). 10 us an edge. Raises ``InvalidInput`` for a
        ``depth`` that is none.
        """
        _check_depth(depth)
        return self._graph(node, lambda links, key: walk_up(links, key, depth))

    def downstream(self, node: Named, depth: int | None = None) -> Lineage:
        """What depends on a node, at most ``depth`` edges away (None: all of it). 15 us an edge; see ``impact``."""
        _check_depth(depth)
        return self._graph(node, lambda links, key: walk_down(links, key, depth))

    def definitions(self) -> Lineage:
        """The definitions alone, all of them."""

        def walk(links: Links) -> Lineage:
            found = links.definitions
            edges: list[Link] = [link for own in found.out.values() for link in own]
            return make_lineage(links, "", Walked(dict.fromkeys(found.nodes), edges))

        return self._ask(walk)

    def _graph(self, node: Named, walk: Callable[[Links, Key], Walked]) -> Lineage:
        def find(links: Links) -> Lineage:
            key = _key_of(links, node)
            return make_lineage(links, links.node(key).id, walk(links, key))

        return self._ask(find)

    # -- answers ---------------------------------------------------------------------------------------------

    def paths(self, source: Named, target: Named, limit: int = 100) -> tuple[tuple[str, ...], ...]:
        """How ``target`` depends on ``source``: paths of ids, depth first in the order of the log, the first ``limit``.

        Empty where it does not. From a version or prediction this costs what ``downstream`` of it costs, from a
        definition what ``upstream(target)`` costs: that one enters a fit by its service and views, not by each row.
        Raises ``InvalidInput`` for a limit below 1.
        """
        if type(limit) is not int or limit < 1:
            raise InvalidInput("a limit of paths is a positive int", limit=limit)

        def find(links: Links) -> tuple[tuple[str, ...], ...]:
            found = find_paths(links, _key_of(links, source), _key_of(links, target), limit)
            names = {key: links.node(key).id for path in found for key in path}
            return tuple(tuple(names[key] for key in path) for path in found)

        return self._ask(find)

    def impact(self, of: Named | int) -> Impact:
        """Which services, pipelines, models, training sets, experiments, versions and predictions depend on something.

        ``of`` names a node (a feature, a view, a version, ...) or is the offset of an event: then it is what depends on
        anything that the event wrote. Raises ``OffsetOutOfRange`` for an offset of no event. 15 us for each one found.
        """

        def find(links: Links) -> Impact:
            if type(of) is not int:
                key = _key_of(links, of)
                return find_impact(links, links.node(key).id, [key])
            if not 1 <= of <= links.limit:
                raise OffsetOutOfRange("an event's offset lies in the log", offset=of, first=1, last=links.limit)
            return find_impact(links, of, *keys_of_event(links, of))

        return self._ask(find)

    def cone(self, value: Named) -> Cone:
        """Everything that a version or prediction was derived from, itself included, in the order of the log.

        Values only: the inputs of a prediction, what they were derived from, and so on; a prediction that something was
        derived from counts with its own inputs. ``value`` is an id, a ``Version`` or a ``Prediction``; raises
        ``UnknownVersion``. 1 us a value.
        """
        return self._ask(lambda links: find_cone(links.state, ref_of(links.state, value, links.limit)))

    def openlineage(self, start: int = 1, *, producer: str = PRODUCER) -> list[dict[str, Any]]:
        """Every run from an offset on as an OpenLineage event: derived writes, fits, training sets, predictions.

        ``producer`` is the URI that the events name as their source. Part of it: ``upstream(id).openlineage()``.
        """
        return self._ask(lambda links: run_events(links, all_runs(links, start), producer))

    def _ask(self, question: Callable[[Links], T]) -> T:
        """The answer at the reader's offset: what is known up to it never changes."""
        reader = self._reader
        limit = reader.consistently(lambda: reader.as_of_offset)
        return reader.state.read_past(lambda: question(Links(reader.state, limit)))

    def __repr__(self) -> str:
        return f"LineageGraph(as_of={self._reader.as_of_offset})"


def _key_of(links: Links, node: Any) -> Key:
    """The key of what names a node, which was there at the offset."""
    text = text_of(node)
    kind = node_kind(text)
    if kind is None:
        return ref_of(links.state, text, links.limit)
    if links.has(text):
        return text
    shelf: Any = getattr(links.state.catalog, f"{kind}s", None)
    newest = shelf.find(text.partition(":")[2], links.limit) if kind in VERSIONED else None
    if newest is None:
        raise unknown(text, links.limit)
    return f"{kind}:{newest.label}"


def _check_depth(depth: int | None) -> None:
    if depth is not None and (type(depth) is not int or depth < 0):
        raise InvalidInput("a depth counts edges, from 0", depth=depth)
