"""Searching a reader and holding its hits against the judge's."""

from __future__ import annotations

import struct
from collections import Counter
from typing import Any

import pytest

from tests.simulation.judge import Judge, Match, Question
from tests.simulation.search_workload import SearchWorkload
from tests.simulation.wheres import Wheres
from vectordb import Pruned

PROMISES = (0.8, 0.9, 0.95, 0.95, 0.95, 0.99)
WAYS = ("searches by index", "with a filter", "of the past", "at another time", "not all found")


class Searching:
    """The searches of one seed: random questions, checks of the answers, and the recall of the index."""

    def __init__(self, work: SearchWorkload) -> None:
        self.work = work
        self.judge = Judge(work)
        self.recalls: list[
            tuple[float, float]
        ] = []  # recall and promise of every search by an index that leaves any out
        self.met: Counter[str] = Counter()

    # -- questions -------------------------------------------------------------------------------------

    def question(self, offset: int, at: int) -> Question | None:
        """A random one; None where no view has a vector feature."""
        rnd, places = self.work.random, self.work.places(offset)
        if not places:
            return None
        view, feature = rnd.choice(places)
        definition = self.work.model.definition(view, offset)
        assert definition is not None
        names = list(definition.features)
        where = Wheres(rnd, names, self.work.value).where() if rnd.random() < 0.6 else None
        return Question(view, feature, self.work.spaces[feature].query(rnd), where, offset, at)

    def count(self, matches: list[Match]) -> int:
        """A k from 1 to more than there are."""
        rnd = self.work.random
        return rnd.choice([1, 2, 5, 10, 10, 10, 20, max(1, len(matches)), len(matches) + 3])

    # -- checks ----------------------------------------------------------------------------------------

    def check(self, reader: Any, offset: int, at: int, *, ask_at: Any = None, times: int = 1) -> None:
        """Random searches of a reader, exact and as it likes."""
        for _ in range(times):
            asked = self.question(offset, at)
            if asked is not None:
                self.check_one(reader, asked, ask_at)

    def check_one(self, reader: Any, asked: Question, ask_at: Any) -> None:
        matches = self.judge.matches(asked)
        k = self.count(matches)
        hits = self.search(reader, asked, k, ask_at, exact=True)
        assert hits.exact
        assert rendered(hits) == [(match.entity, bits(match.distance)) for match in matches[:k]], asked
        self.check_hits(reader, asked, matches, k, hits)
        promise = self.work.random.choice(PROMISES)
        hits = self.search(reader, asked, k, ask_at, recall=promise)
        self.check_hits(reader, asked, matches, k, hits)
        if hits.exact:
            assert hits.distances == [match.distance for match in matches[:k]]
        elif len(matches) > k:  # else all are found
            self.count_recall(asked, matches[:k], hits, promise)

    def search(self, reader: Any, asked: Question, k: int, ask_at: Any, **options: Any) -> Any:
        view = reader.view(asked.view)
        return view.search(asked.feature, asked.query, k, where=asked.where, at=ask_at, **options)

    def check_hits(self, reader: Any, asked: Question, matches: list[Match], k: int, hits: Any) -> None:
        """Hits are matches, in order, of the right number, distance, score and version."""
        space, known = self.work.spaces[asked.feature], {match.entity: match for match in matches}
        assert (hits.as_of, hits.at_micros) == (asked.offset, asked.at)
        assert set(hits.entities) <= set(known), asked
        assert len(set(hits.entities)) == len(hits) == min(k, len(matches)), asked
        found = [known[entity] for entity in hits.entities]
        assert list(map(bits, hits.distances)) == [bits(match.distance) for match in found], asked
        assert found == sorted(found), asked
        assert hits.scores == [space.score(match.distance) for match in found]
        for hit, match in zip(hits, found, strict=True):
            offset, _, number = hit.version.rpartition("@")[2].partition(".")
            assert (int(offset), int(number or 0)) == match.source, asked
            if int(offset) < self.work.pruned:
                with pytest.raises(Pruned):
                    reader.version(hit.version)
                continue
            row = reader.version(hit.version)
            assert row.entity == match.entity
            assert row.view.partition("@")[0] == asked.view

    # -- recall ----------------------------------------------------------------------------------------

    def count_recall(self, asked: Question, wanted: list[Match], hits: Any, promise: float) -> None:
        """What ties with the last match is as good as it."""
        last = wanted[-1].distance
        good = len([distance for distance in hits.distances if distance <= last])
        self.recalls.append((good / len(wanted), promise))
        self.met["searches by index"] += 1
        self.met["with a filter"] += asked.where is not None
        self.met["of the past"] += asked.offset < self.work.db.head
        self.met["at another time"] += asked.at != self.work.model.times[asked.offset]
        self.met["not all found"] += good < len(wanted)


def rendered(hits: Any) -> list[tuple[Any, bytes]]:
    """Entities and the bits of their distances."""
    return list(zip(hits.entities, map(bits, hits.distances), strict=True))


def bits(number: float) -> bytes:
    return struct.pack("<d", number)
