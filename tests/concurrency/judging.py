"""The judge of a load: told afterwards what was written in which order, it says what each answer may have been.

An answer names the offset that it is of. That lies between the heads before and after the call, and what was shown is
what the model of the simulation says of that offset, as known at some moment of the call: an erasure under way may have
come first or not.
"""

from __future__ import annotations

import struct
from collections import Counter
from math import dist
from typing import Any

from ledger import ExperimentDefined, LogCompacted, PipelineFitted
from tests.concurrency.load import KINDS, VIEWS, Load, Seen, plain
from tests.concurrency.reading import QUERY
from tests.projections.experiments.naive import count
from tests.simulation.model import PRESENT, Definition, Model, Write
from tests.simulation.trials import drawn
from vectordb.transforms import transformer_from_dict

TTL = 50_000  # microseconds, of the view on the right


class Judge:
    """What was so at every offset."""

    def __init__(self, load: Load) -> None:
        self.model = Model(times=[0] * (load.db.head + 1))
        features = {name: (kind.name, kind.default) for name, kind in KINDS.items()}
        for number, view in enumerate(VIEWS):
            self.model.definitions[view] = [Definition(number + 1, features, TTL if view == "right" else None)]
        self.erasures: list[int] = []
        for wrote in sorted(load.wrote):
            self._tell(wrote)
        events = list(load.db.events())
        self.told = [event for event in events if event.type.split("_")[0] in ("experiment", "exposures", "outcomes")]
        self.fits = [(event.offset, transformer_from_dict(event.fact.fitted.pipeline, "fit"))
                     for event in events if isinstance(event.fact, PipelineFitted)]  # fmt: skip
        self.designs = [(event.offset, event.fact.definition)
                        for event in events if isinstance(event.fact, ExperimentDefined)]  # fmt: skip
        self.pruned = max([event.fact.below for event in events if isinstance(event.fact, LogCompacted)], default=0)
        self.digest = load.db.digest
        self.met: Counter[str] = Counter()

    def _tell(self, wrote: Any) -> None:
        stories = self.model.stories
        if wrote.erased:
            self.erasures.append(wrote.offset)
            for view, entity, _ in wrote.rows:
                lost = stories.pop((view, entity), [])
                self.model.gone.setdefault((view, entity), []).extend((wrote.offset, write) for write in lost)
            return
        for row, (view, entity, values) in enumerate(wrote.rows):
            stories.setdefault((view, entity), []).append(Write(wrote.offset, row, entity, wrote.time, values))

    def check(self, seen: Seen) -> None:
        """One answer."""
        self.met[seen.kind] += 1
        getattr(self, f"_{seen.kind}")(seen)

    def moments(self, seen: Seen, as_of: int) -> list[int]:
        """What may have been known: the offset of the answer, and every erasure that came during the call."""
        first = max(as_of, seen.before)
        return list(dict.fromkeys([as_of, first, *(by for by in self.erasures if first < by <= seen.after)]))

    def expected(self, view: str, entity: str, as_of: int, at: int, known: int) -> tuple[Any, ...]:
        """What ``shown`` gives."""
        answer = self.model.read(view, entity, as_of, at, known)
        values = {name: plain(value) for name, value in answer.values.items()}
        return as_of, at, answer.found, values, answer.status, answer.sources

    # -- rows ----------------------------------------------------------------------------------------------

    def _rows(self, seen: Seen, pinned: bool = False) -> None:
        view, ids = seen.asked[:2]
        as_of, at = seen.shown[0][:2]
        assert pinned or seen.before <= as_of <= seen.after, (seen.before, as_of, seen.after)
        answers = [tuple(self.expected(view, entity, as_of, at, known) for entity in ids)
                   for known in self.moments(seen, as_of)]  # fmt: skip
        assert seen.shown in answers, (seen, answers[0])

    def _past(self, seen: Seen) -> None:
        assert seen.shown[0][:2] == seen.asked[2:]
        self._rows(seen, pinned=True)

    def _batch(self, seen: Seen) -> None:
        view, ids = seen.asked
        rows, as_of, at, columns = seen.shown
        assert seen.before <= as_of <= seen.after
        for known in self.moments(seen, as_of):
            answers = [self.expected(view, entity, as_of, at, known) for entity in ids]
            if columns == {name: [answer[3][name] for answer in answers] for name in columns}:
                break
        else:
            raise AssertionError(seen)
        self._rows(seen._replace(kind="rows", shown=rows, before=as_of))  # each was read again when it was shown

    def _history(self, seen: Seen) -> None:
        view, entity = seen.asked
        found = [place for place in seen.shown if place[0] >= self.pruned]
        options = [self._history_at(view, entity, offset, known)
                   for offset in range(seen.before, seen.after + 1)
                   for known in self.moments(seen, offset)]  # fmt: skip
        assert found in options, (seen, options[:2])

    def _history_at(self, view: str, entity: str, offset: int, known: int) -> list[tuple[int, int]]:
        kept = self.model.stories.get((view, entity), [])
        lost = [write for by, write in self.model.gone.get((view, entity), []) if by > known]
        places = sorted((write.offset, write.row) for write in [*kept, *lost] if write.offset <= offset)
        return [place for place in places if place[0] >= self.pruned]

    def _entities(self, seen: Seen) -> None:
        options = ({entity for entity in self._known(seen.asked) if self._exists(seen.asked, entity, offset, known)}
                   for offset in range(seen.before, seen.after + 1)
                   for known in self.moments(seen, offset))  # fmt: skip
        assert seen.shown in options, seen

    def _known(self, view: str) -> set[str]:
        return {entity for name, entity in (*self.model.stories, *self.model.gone) if name == view}

    def _exists(self, view: str, entity: str, offset: int, known: int) -> bool:
        return self.model.read(view, entity, offset, 1 << 60, known).found

    def _hits(self, seen: Seen) -> None:
        for as_of, at, found in seen.shown:
            assert seen.before <= as_of <= seen.after
            assert found in [self._nearest(seen.asked, as_of, at, known) for known in self.moments(seen, as_of)], seen

    def _nearest(self, view: str, as_of: int, at: int, known: int) -> list[tuple[str, float]]:
        found = []
        for entity in self._known(view):
            answer = self.model.read(view, entity, as_of, at, known)
            if answer.status["look"] == PRESENT:
                found.append((dist(QUERY, _rounded(answer.values["look"])), entity))
        return [(entity, distance) for distance, entity in sorted(found)[:5]]

    def _fork(self, seen: Seen) -> None:
        head, digest, rows = seen.shown
        assert seen.before <= head <= seen.after and digest == self.digest(head)
        wanted = [{entity: self.expected(seen.asked, entity, head, row[1], known) for entity, row in rows.items()}
                  for known in self.moments(seen, head)]  # fmt: skip
        assert rows in wanted, seen

    # -- services, experiments -----------------------------------------------------------------------------

    def _served(self, seen: Seen) -> None:
        as_of, at = seen.shown[0][:2]
        assert seen.before <= as_of <= seen.after
        options = [tuple(self._inputs(entity, as_of, at, known) for entity in seen.asked)
                   for known in self.moments(seen, as_of)]  # fmt: skip
        assert tuple(one[2] for one in seen.shown) in options, (seen, options)
        version = len([offset for offset, _ in self.fits if offset <= as_of])
        for _, _, inputs, number, made in seen.shown:
            assert number == version, (number, version, as_of)
            wanted = tuple(self.fits[version - 1][1].transform_one(list(inputs)))
            assert wanted == made, (seen, wanted, self.fits[version - 1][0])

    def _inputs(self, entity: str, as_of: int, at: int, known: int) -> tuple[Any, ...]:
        values = self.model.read("left", entity, as_of, at, known).values
        return values["n"], values["x"], values["city"]

    def _assigned(self, seen: Seen) -> None:
        version, arm, reason = seen.shown
        first = self.designs[version - 1][0]
        later = self.designs[version][0] if version < len(self.designs) else seen.after + 1
        assert first <= seen.after and later > seen.before, (seen, first, later)
        assert (arm, reason) == _drawn(self.designs[version - 1][1], seen.asked)

    def _tallied(self, seen: Seen) -> None:
        offsets = {seen.before, *(one.offset for one in self.told if seen.before < one.offset <= seen.after)}
        options = [count(self.told, "price", offset, set()) for offset in sorted(offsets)]
        assert seen.shown in [_means(found.values["spent"]) for found in options], seen


def _drawn(definition: Any, unit: str) -> tuple[str | None, str]:
    arm = drawn(definition, unit)
    return arm, "traffic" if arm is None else "split"


def _means(values: dict[str, dict[Any, float]]) -> dict[str, tuple[int, float | None]]:
    return {arm: (len(found), sum(found.values(), 0.0) / len(found) if found else None)  # ints and halves: exact
            for arm, found in values.items()}  # fmt: skip


def _rounded(vector: Any) -> Any:
    return struct.unpack("<3f", struct.pack("<3f", *vector))
