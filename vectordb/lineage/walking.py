"""Walks through the graph: from a node to all that is before or behind it, and from one node to another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from ledger import ROW_BITS, ROW_MASK
from vectordb.lineage.links import Links
from vectordb.lineage.nodes import DEFINITIONS, SERVES, Key, Link


class Walked(NamedTuple):
    """What a walk found: keys, the start among them, and edges, in the order they were met."""

    keys: dict[Key, None]
    links: list[Link]


def walk_up(links: Links, start: Key, depth: int | None) -> Walked:
    """Everything that a node depends on, at most so many edges away."""
    return _walk(lambda key: links.into(key, key == start), lambda link: link.source, start, depth)


def walk_down(links: Links, start: Key, depth: int | None) -> Walked:
    """Everything that depends on a node, at most so many edges away."""
    return _walk(links.out, lambda link: link.target, start, depth)


def _walk(
    step: Callable[[Key], Iterator[Link]], end: Callable[[Link], Key], start: Key, depth: int | None
) -> Walked:
    keys: dict[Key, None] = {start: None}
    expanded: set[Key] = {start}
    links: list[Link] = []
    frontier, level = [start], 0
    while frontier and (depth is None or level < depth):
        following: list[Key] = []
        for key in frontier:
            for link in step(key):
                links.append(link)
                far = end(link)
                keys[far] = None
                # Use leads no further: what else a model was used for does not depend on this service.
                if far not in expanded and (link.kind != SERVES or link.source == far):
                    expanded.add(far)
                    following.append(far)
        frontier, level = following, level + 1
    return Walked(keys, links)


def dependents_of(links: Links, starts: Iterable[Key]) -> dict[Key, None]:
    """Every key that depends on some of these, themselves left out.

    No edge is made, and the rows that one event derived are taken together, so this is linear in what is found.
    """
    found: dict[Key, None] = {}
    starts = dict.fromkeys(starts)
    ahead = list(starts)
    expanded: set[Key] = set(ahead)
    events: set[int] = set()
    while ahead:
        key = ahead.pop()
        for far, leads_on in _after(links, key, events):
            found[far] = None
            if leads_on and far not in expanded:
                expanded.add(far)
                ahead.append(far)
    for start in starts:
        found.pop(start, None)
    return found


def _after(links: Links, key: Key, events: set[int]) -> Iterator[tuple[Key, bool]]:
    """What depends on a key at first hand, and whether what depends on that does too."""
    if isinstance(key, str):
        for link in links.out_of_definition(key):
            yield link.target, link.kind != SERVES
        for ref in links.made_by(key):
            yield ref, True
        return
    for offset in links.derived_at(key):
        if offset not in events:
            events.add(offset)
            for ref in links.rows_of(offset):
                yield ref, True
    for ref in links.predictions_of(key):
        yield ref, True
    for link in links.beyond(key):
        yield link.target, True


def find_paths(links: Links, start: Key, end: Key, limit: int) -> list[tuple[Key, ...]]:
    """Paths from one node down to another, depth first; edges are tried in the order of what they lead to."""
    found = walk_down(links, start, None) if isinstance(start, int) else walk_up(links, end, None)
    if start not in found.keys or end not in found.keys:
        return []
    ordered = {
        key: sorted(targets, key=lambda target: rank(links, target))
        for key, targets in _leading_to(end, found.links).items()
    }
    return list(_paths(ordered, start, end, limit))


def _leading_to(end: Key, links: Iterable[Link]) -> dict[Key, set[Key]]:
    """Of each key the next ones on a way to the end; an edge of use can only be the last."""
    back: dict[Key, set[Key]] = {}
    for link in links:
        if link.kind != SERVES or link.target == end:
            back.setdefault(link.target, set()).add(link.source)
    onward: dict[Key, set[Key]] = {end: set()}
    ahead = [end]
    while ahead:
        key = ahead.pop()
        for source in back.get(key, ()):
            if source not in onward:
                onward[source] = set()
                ahead.append(source)
            onward[source].add(key)
    return onward


def _paths(onward: dict[Key, list[Key]], start: Key, end: Key, limit: int) -> Iterator[tuple[Key, ...]]:
    """Simple paths, without recursion: a chain may be as long as the log."""
    path, turns, count = [start], [iter(onward.get(start, ()))], 0
    if start == end:
        yield (start,)
        return
    on_path = {start}
    while turns and count < limit:
        following = next(turns[-1], None)
        if following is None:
            turns.pop()
            on_path.discard(path.pop())
        elif following == end:
            count += 1
            yield (*path, end)
        elif following not in on_path:
            path.append(following)
            on_path.add(following)
            turns.append(iter(onward.get(following, ())))


def rank(links: Links, key: Key) -> tuple[int, int, str]:
    """The order of nodes: by where they were written, definitions of one event by kind and id."""
    if isinstance(key, int):
        return key >> ROW_BITS, key & ROW_MASK, ""
    kind = DEFINITIONS.index(key.partition(":")[0])
    return links.definitions.nodes.get(key, 0), kind - len(DEFINITIONS), key
