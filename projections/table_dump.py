"""The dump of a table: every row and version as packed bytes, which a start takes in 0.6 s a million.

Rows carry the event times of their versions, so nothing is asked of the log; of a timeline they are dumped beside its
references, and so are the rows that it kept.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from operator import itemgetter
from struct import Struct
from typing import Any, TypeAlias

from ledger import entity_from_json, entity_to_json
from projections.table import SHORT, EventTimeOf, Table
from projections.timeline import Timeline

Recode: TypeAlias = Callable[[bytes], bytes]


def dump_table(table: Table) -> tuple[dict[str, Any], list[bytes]]:
    """Plain data and blobs."""
    places = {entity: place for place, entity in enumerate(table.rows)}
    versions = sorted(((places[entity], held) for entity, held in table.versions.items()), key=itemgetter(0))
    straight = [(place, held) for place, held in versions if not isinstance(held, Timeline)]
    bent = {place: line for place, line in versions if isinstance(line, Timeline)}
    blobs = _pack(table.rows.values())
    blobs += [array("I", (place for place, _ in straight)).tobytes()]
    blobs += _pack(bytes(held) for _, held in straight)
    blobs += [array("I", bent).tobytes(), *_pack(line.refs.tobytes() for line in bent.values())]
    blobs += _pack(_times_of(line).tobytes() for line in bent.values())
    blobs += _pack(line.kept[0].tobytes() for line in bent.values())
    blobs += _pack(row for line in bent.values() for row in line.kept[1])
    head = {
        "entities": [entity_to_json(entity) for entity in table.rows],
        "newest": table.newest,
        "dead": sorted(places[entity] for entity in table.dead),
        "ahead": sorted(places[entity] for entity in table.ahead),
    }
    return head, blobs


def load_table(
    head: dict[str, Any], blobs: Iterator[bytes], event_time_of: EventTimeOf, recode: Recode | None
) -> Table:
    """The table of a dump; ``recode`` turns the category codes of a row into those of this log."""
    table = Table(event_time_of)
    entities = list(map(entity_from_json, head["entities"]))
    table.rows = dict(zip(entities, _recoded(_unpack(blobs), recode), strict=True))
    table.newest = head["newest"]
    table.dead = {entities[place] for place in head["dead"]}
    table.ahead = {entities[place] for place in head["ahead"]}
    owners = map(entities.__getitem__, array("I", next(blobs)))
    table.versions = dict(zip(owners, map(_straight, _unpack(blobs)), strict=True))
    owners = map(entities.__getitem__, array("I", next(blobs)))
    columns = [map(_words, list(_unpack(blobs))) for _ in range(3)]  # references, event times, references of kept rows
    kept = iter(_recoded(_unpack(blobs), recode))
    for entity, refs, times, marks in zip(owners, *columns, strict=True):
        table.versions[entity] = _timeline(refs, times, marks, [next(kept) for _ in marks])
    return table


def _pack(parts: Iterable[bytes]) -> list[bytes]:
    """Many runs of bytes as two blobs: their sizes (one number where they are alike), and all of them joined."""
    held = list(parts)
    sizes = array("q", map(len, held))
    if len(held) > 1 and sizes.count(sizes[0]) == len(held) and sizes[0]:
        sizes = array("q", (sizes[0],))
    return [sizes.tobytes(), b"".join(held)]


def _unpack(blobs: Iterator[bytes]) -> Iterable[bytes]:
    sizes, joined = _words(next(blobs)), next(blobs)
    if len(sizes) == 1 and sizes[0]:
        return [part for (part,) in Struct(f"{sizes[0]}s").iter_unpack(joined)]
    return [joined[start:stop] for start, stop in pairwise(accumulate(sizes, initial=0))]


def _recoded(rows: Iterable[bytes], recode: Recode | None) -> Iterable[bytes]:
    return rows if recode is None else map(recode, rows)


def _words(data: bytes) -> array[int]:
    return array("q", data)


def _straight(refs: bytes) -> bytes | array[int]:
    return refs if len(refs) <= SHORT else array("q", refs)


def _times_of(timeline: Timeline) -> array[int]:
    """The event times of a timeline in the order of its references."""
    times, by_time = timeline.ordered
    of = dict(zip(by_time, times))
    return array("q", map(of.__getitem__, timeline.refs))


def _timeline(refs: Sequence[int], times: Sequence[int], marks: array[int], rows: list[bytes]) -> Timeline:
    timeline = Timeline()
    for ref, time in zip(refs, times, strict=True):
        timeline.add(ref, time)
    timeline.kept = (marks, rows)
    return timeline
