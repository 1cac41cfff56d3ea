"""A seeded workload: random writes of every kind, told to the database and to the model alike.

Every entity collects the **rules** that its story has met (a late write, a delete, a redefinition of its
view ...), so that a run can say which pairs of rules were ever read together.
"""

from __future__ import annotations

import random
import struct
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

from ledger import FeatureType
from tests.simulation.branching import branch
from tests.simulation.deriving import derive
from tests.simulation.erasing import compact, erase
from tests.simulation.faults import BadFiles, fault, fault_in_rewriting
from tests.simulation.instants import SECOND, given, given_all
from tests.simulation.lessons import Lessons
from tests.simulation.model import Model
from tests.simulation.refusals import expected, refused, retry
from tests.simulation.reopening import checkpoint, follow, open_follower, restart, use_files
from tests.simulation.serving import fit, predict, serve
from tests.simulation.steps import History, Step
from tests.simulation.trialing import amend, design, expose, outcome
from tests.simulation.trials import Trials
from tests.simulation.values import TYPES, value
from vectordb import MISSING, ManualClock, VectorDB

VIEWS = ("drivers", "riders")
ENTITIES = ("a", "b", 1, "1", ("eu", 7), "é/@.1")
TTLS = (None, 10, 60)  # seconds
KEPT = {"drivers": ("rate",), "riders": ("rate", "tier")}  # what the service reads stays
SIZES = (1, 1, 2, 2, 2, 3, 3, 5, 5, 17)  # of batches
WRITES = (
    ["put"] * 8 + ["partial"] * 6 + ["delete"] * 2 + ["batch"] * 4 + ["transaction"] * 3 + ["retry"] * 4
    + ["refused"] * 3 + ["expected"] * 2 + ["define_again"] + ["mark"] + ["derive"] * 3 + ["erase"] * 2 + ["compact"]
)  # fmt: skip
PARTS = (
    ["serve"] + ["fit"] * 2 + ["predict"] * 2 + ["design"] + ["amend"] * 2 + ["expose"] * 3 + ["outcome"] * 3
    + ["branch"] * 2 + ["follow"] * 3 + ["checkpoint", "restart"] + ["fault"] * 2 + ["fault_in_rewriting"] * 2
)  # fmt: skip


class Workload:
    """One seed's run: a database, its model, and a clock."""

    views: Sequence[str] = VIEWS
    entities: Sequence[Any] = ENTITIES
    types: Mapping[str, Callable[[Any], FeatureType]] = TYPES
    ttls: Sequence[int | None] = TTLS
    sizes: Sequence[int] = SIZES
    kept: Mapping[str, Sequence[str]] = KEPT
    parts = True  # whether there is more than views: services, experiments, a follower

    def __init__(self, seed: int, path: str | None = None) -> None:
        self.seed = seed
        self.chooser = random.Random(f"steps of {seed}")
        self.random = random.Random(seed)  # seeded anew by every step
        self.steps: list[Step] = []
        self.clock = ManualClock(1_700_000_000)
        make = VectorDB if path is None else partial(VectorDB.open, path)
        self.db: VectorDB = make(clock=self.clock, seed=seed)
        self.model = Model()
        self.rules: dict[tuple[str, Any], set[str]] = {}
        self.met: Counter[frozenset[str]] = Counter()  # rules that one read met together
        self.keys: list[tuple[int, str, Any, dict[str, Any], dict[str, Any]]] = []
        self.stepped_back = False
        self.let_go = -1  # rows that the last compaction took
        self.pruned = 0  # the lowest offset that can be read as of
        self.followed = 0  # the same for the follower
        self.rewritten = 0  # the last offset that took something out
        self.trials, self.lessons = Trials(), Lessons()
        self.branches: list[Workload] = []
        for view in self.views:
            self.define(view)
        self.path = None if path is None else Path(path)
        self.files = BadFiles()
        self.follower: VectorDB | None = None
        if self.parts:
            self.serve()
            self.design()
            use_files(self)
            self.follower = open_follower(self)

    # -- one step --------------------------------------------------------------------------------------

    def step(self) -> str:
        """One random operation; its name."""
        step = Step(self.chooser.choice(self.operations()), self.chooser.getrandbits(32))
        self.do(step)
        return step.operation

    def do(self, step: Step) -> None:
        """One operation, with the choices that its seed gives."""
        self.steps.append(step)
        self.random.seed(step.seed)
        self.move_clock()
        getattr(self, step.operation)()
        assert self.db.head == self.model.head, step

    @property
    def pairs(self) -> Counter[frozenset[str]]:
        """How often two rules were met by one read."""
        found: Counter[frozenset[str]] = Counter()
        for rules, count in self.met.items():
            found.update({frozenset(pair): count for pair in combinations(sorted(rules), 2)})
        return found

    @property
    def history(self) -> History:
        """What was done."""
        return History(self.seed, tuple(self.steps))

    def operations(self) -> list[str]:
        """What a step chooses from, the frequent ones repeated."""
        return [*WRITES, *PARTS]

    def move_clock(self) -> None:
        chance = self.random.random()
        self.stepped_back = chance < 0.08
        if self.stepped_back:
            self.clock.set((self.clock() - self.random.randrange(1, 30 * SECOND)) / SECOND)
        elif chance < 0.9:
            self.clock.advance(self.random.choice([0, 0, 0.000001, 1, 7, 20]))

    def now(self) -> int:
        """The recorded time that the next event gets."""
        return max(self.clock(), self.model.times[-1])

    def note(self, view: str, entity: Any, *rules: str) -> None:
        met = self.rules.setdefault((view, entity), set())
        met.update(rules)
        if self.stepped_back:
            met.add("clock_back")

    # -- definitions -----------------------------------------------------------------------------------

    def define(self, view: str) -> None:
        kept = self.kept.get(view, ())
        names = [name for name in self.types if name in kept or self.random.random() < 0.7] or ["trips"]
        if view in self.model.definitions and self.random.random() < 0.5:
            names = list(self.model.definitions[view][-1].features)  # only defaults and ttl change
        features = {name: (name, self.default(name)) for name in names}
        seconds = self.random.choice(self.ttls)
        ttl = None if seconds is None else seconds * SECOND
        arguments = {name: self.types[name](default) for name, (_, default) in features.items()}
        before = self.db.head
        self.db.create_view(view, entity="thing", features=arguments, ttl=seconds, replace=True)
        if self.db.head > before:
            self.model.define(view, features, ttl, self.db.event(self.db.head).time)
            for known, entity in list(self.rules):
                if known == view:
                    self.note(view, entity, "redefine")

    def default(self, name: str) -> Any:
        return self.value(name) if self.random.random() < 0.4 else None

    def define_again(self) -> None:
        self.define(self.random.choice(self.views))

    def mark(self) -> None:
        name = f"mark-{self.db.head}"
        self.model.other(self.now())
        assert self.db.mark(name) == self.db.head
        assert self.db.as_of(mark=name).head == self.db.head

    # -- values ----------------------------------------------------------------------------------------

    def value(self, name: str) -> Any:
        """A random value of a feature."""
        return value(self.random, name)

    def cell(self, name: str, value: Any) -> bytes:
        """The bytes that a read of a vector shows."""
        return struct.pack("<3f", *value)

    def values(self, view: str, partial: bool) -> dict[str, Any]:
        names = list(self.model.definitions[view][-1].features)
        if partial:
            names = self.random.sample(names, self.random.randrange(1, len(names) + 1))
        return {name: None if self.random.random() < 0.12 else self.value(name) for name in names}

    def event_time(self) -> int | None:
        """None (now), late, or ahead; often a time that was used before, to make ties."""
        chance, now = self.random.random(), self.now()
        if chance < 0.55:
            return None
        if chance < 0.65 and self.model.head:
            return self.random.choice(self.model.times[1:])
        return now + self.random.choice([-40, -20, -5, -1, 0, 1, 5, 30]) * SECOND

    def about(self, view: str, values: dict[str, Any] | None, event_time: int | None) -> list[str]:
        rules = []
        if event_time is not None and event_time < self.now():
            rules.append("late")
        if event_time is not None and event_time > self.now():
            rules.append("future")
        if values is None:
            return [*rules, "delete"]
        complete = len(values) == len(self.model.definitions[view][-1].features)
        rules.append("complete" if complete else "partial")
        return [*rules, "null"] if None in values.values() else rules

    def pick(self) -> tuple[str, Any]:
        return self.random.choice(self.views), self.entity()

    def entity(self) -> Any:
        return self.random.choice(self.entities)

    # -- writes ----------------------------------------------------------------------------------------

    def put(self, partial: bool = False) -> None:
        view, entity = self.pick()
        values, event_time = self.values(view, partial), self.event_time()
        options: dict[str, Any] = {"event_time": given(event_time)}
        if self.random.random() < 0.3:
            options["idempotency_key"] = f"key-{self.db.head}"
            self.keys.append((self.db.head + 1, view, entity, values, options))
        self.note(view, entity, *self.about(view, values, event_time))
        self.model.write([(view, entity, event_time, values)], self.now())
        receipt = self.db.view(view).put(entity, values, **options)
        assert receipt.offset == self.model.head
        assert not receipt.replayed

    def partial(self) -> None:
        self.put(partial=True)

    def delete(self) -> None:
        view, entity = self.pick()
        event_time = self.event_time()
        self.note(view, entity, *self.about(view, None, event_time))
        self.model.write([(view, entity, event_time, None)], self.now())
        self.db.view(view).delete(entity, event_time=given(event_time))

    def rows(self, view: str) -> tuple[list[Any], list[dict[str, Any]], list[int | None]]:
        count = self.random.choice(self.sizes)
        entities = [self.entity() for _ in range(count)]
        values = [self.values(view, self.random.random() < 0.5) for _ in range(count)]
        times = [self.event_time() for _ in range(count)] if self.random.random() < 0.5 else [self.event_time()] * count
        return entities, values, times

    def batch(self, view: str | None = None) -> None:
        view = view or self.random.choice(self.views)
        self.write_batch(view, *self.rows(view))

    def write_batch(self, view: str, entities: list[Any], values: list[Any], times: list[int | None]) -> None:
        self._note_rows(view, entities, values, times, "batch")
        now = self.now()
        self.model.write([(view, *row) for row in zip(entities, times, values, strict=True)], now)
        when = given_all(times, now)
        if self.random.random() < 0.5:
            rows: Any = [{"thing": entity, **row} for entity, row in zip(entities, values, strict=True)]
        else:
            names = dict.fromkeys(name for row in values for name in row)
            rows = {"thing": entities, **{name: [row.get(name, MISSING) for row in values] for name in names}}
        receipt = self.db.view(view).put_many(rows, event_time=when)
        assert len(receipt.versions) == len(entities)

    def _note_rows(self, view: str, entities: list[Any], values: list[Any], times: list[Any], rule: str) -> None:
        for entity, row, time in zip(entities, values, times, strict=True):
            self.note(view, entity, rule, *self.about(view, row, time))
            if entities.count(entity) > 1:
                self.note(view, entity, "twice")

    def transaction(self) -> None:
        now, told = self.now(), []
        with self.db.transaction(actor="sim", tags=["t"]) as tx:
            for view in self.random.sample(self.views, self.random.choice([1, 2, 2])):
                entity, event_time = self.entity(), self.event_time()
                if self.random.random() < 0.25:
                    tx.view(view).delete(entity, event_time=given(event_time))
                    told.append((view, entity, event_time, None))
                    self.note(view, entity, "transaction", *self.about(view, None, event_time))
                    continue
                entities, values, times = self.rows(view)
                rows = [{"thing": one, **row} for one, row in zip(entities, values, strict=True)]
                tx.view(view).put_many(rows, event_time=given_all(times, now))
                told.extend((view, one, time, row) for one, time, row in zip(entities, times, values, strict=True))
                self._note_rows(view, entities, values, times, "transaction")
        self.model.write(told, now)
        assert tx.receipt is not None
        assert tx.receipt.event.rows == len(told)

    # -- writes that may be refused ----------------------------------------------------------------------

    def retry(self) -> None:
        retry(self)

    def refused(self) -> None:
        refused(self)

    def expected(self) -> None:
        expected(self)

    def derive(self) -> None:
        derive(self)

    # -- what is made of it ------------------------------------------------------------------------------

    def serve(self) -> None:
        serve(self)

    def fit(self) -> None:
        fit(self)

    def predict(self) -> None:
        predict(self)

    def design(self) -> None:
        design(self)

    def amend(self) -> None:
        amend(self)

    def expose(self) -> None:
        expose(self)

    def outcome(self) -> None:
        outcome(self)

    # -- other instances -----------------------------------------------------------------------------------

    def branch(self) -> None:
        branch(self)

    def follow(self) -> None:
        follow(self)

    def checkpoint(self) -> None:
        checkpoint(self)

    def restart(self) -> None:
        restart(self)

    # -- what is taken out again -------------------------------------------------------------------------

    def erase(self) -> None:
        erase(self)

    def compact(self) -> None:
        self.let_go = compact(self)

    def fault(self) -> None:
        fault(self)

    def fault_in_rewriting(self) -> None:
        fault_in_rewriting(self)

    # -- the end -------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Every invariant holds at the end."""
        self.db.check()
        self.release()

    def release(self) -> None:
        """Let go of the files."""
        self.db.close()
        if self.follower is not None:
            self.follower.close()
