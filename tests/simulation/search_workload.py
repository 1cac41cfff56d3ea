"""The workload with vectors: the same writes, bursts of new vectors, and indexes that come and go."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from ledger import DefinitionError
from tests.simulation.spaces import INDEXED, METRICS, Space
from tests.simulation.values import TYPES
from tests.simulation.workload import ENTITIES, WRITES, Workload
from vectordb import VectorDB

FEATURES = {"face": INDEXED, "taste": METRICS}  # and their metrics
BURSTS = (20, 40, 70, 100)
MOST = 220  # entities

Place = tuple[str, str]  # view, feature


class SearchWorkload(Workload):
    """One seed's run, with a **follower**: a reader of the same file that builds and drops the same indexes."""

    ttls = (None, None, 60, 300)
    kept = {}
    parts = False

    def __init__(self, seed: int, path: Path) -> None:
        rnd = Random(f"spaces of {seed}")
        self.path = path
        self.spaces = {name: Space.random(rnd, metrics) for name, metrics in FEATURES.items()}
        kinds = {name: space.kind for name, space in self.spaces.items()}
        others = {name: kind for name, kind in TYPES.items() if name not in ("profile", "rate", "tier")}
        self.types = {**others, **kinds}
        self.entities = [*ENTITIES, *range(2, 20), *(f"e{n}" for n in range(30)), *(("eu", n) for n in range(8, 20))]
        self.built: dict[Place, int] = {}  # the seed of every index there is
        self.changes = 0  # builds and drops
        self.alike = True  # whether the follower has the same lanes
        super().__init__(seed, str(path))
        while not self.places(self.db.head):
            self.define_again()
        self.db.close()
        self.db = self._open()
        self.follower = self._open(read_only=True)
        for view in self.views:
            self.newcomers(view)
        self.build()

    def _open(self, **options: Any) -> VectorDB:
        return VectorDB.open(self.path, clock=self.clock, auto_index=False, **options)

    def operations(self) -> list[str]:
        return [*WRITES, *["burst"] * 5, *["build"] * 3, "drop", "restart"]

    # -- values ----------------------------------------------------------------------------------------

    def entity(self) -> Any:
        """Some are written often, most seldom."""
        return self.entities[int(len(self.entities) * self.random.random() ** 1.7)]

    def value(self, name: str) -> Any:
        return self.spaces[name].value(self.random) if name in self.spaces else super().value(name)

    def cell(self, name: str, value: Any) -> bytes:
        return self.spaces[name].cell(value)

    def values(self, view: str, partial: bool) -> dict[str, Any]:
        """A partial row has often vectors only, or none."""
        found = super().values(view, partial)
        chance = self.random.random() if partial else 1.0
        if chance < 0.6:
            chosen = {name: value for name, value in found.items() if (name in self.spaces) is (chance < 0.3)}
            return chosen or found
        return found

    def burst(self, view: str | None = None) -> None:
        """A large batch; now and then of entities that are new, or of vectors that lie elsewhere."""
        if self.random.random() < 0.2:
            self.spaces = {name: space.drifted(self.random) for name, space in self.spaces.items()}
        view = view or self.random.choice(self.views)
        if self.random.random() < 0.5 and len(self.entities) < MOST:
            self.newcomers(view)
            return
        self.sizes = (self.random.choice(BURSTS),)
        self.batch(view)
        del self.sizes

    def newcomers(self, view: str) -> None:
        count = self.random.choice(BURSTS) // 2
        fresh = [f"n{self.db.head}-{number}" for number in range(count)]
        rows = [super(SearchWorkload, self).values(view, False) for _ in fresh]
        self.entities = [*self.entities, *fresh]
        self.write_batch(view, fresh, rows, [None] * count)

    # -- indexes ---------------------------------------------------------------------------------------

    def places(self, offset: int) -> list[Place]:
        """The vector features that can be searched as of an offset."""
        known = [(view, self.model.definition(view, offset)) for view in self.views]
        return [(view, name) for view, found in known if found for name in self.spaces if name in found.features]

    def build(self) -> None:
        places = self.places(self.db.head)
        if not places:
            return
        view, feature = self.random.choice(places)
        index = self.db.view(view).index(feature)
        if not self.spaces[feature].is_indexed:
            with pytest.raises(DefinitionError):
                index.build()
            return
        if not index.stats()["vectors"]:
            return
        seed = self.random.randrange(5)
        self.built[view, feature] = seed
        self.changes += 1
        self.follower.refresh()
        same = self.follower.view(view).index(feature).build(seed=seed) == index.build(seed=seed)
        assert same or not self.alike

    def drop(self) -> None:
        known = [place for place in self.places(self.db.head) if place in self.built]
        if known:
            view, feature = self.random.choice(known)
            del self.built[view, feature]
            self.changes += 1
            self.follower.refresh()
            for db in (self.db, self.follower):
                db.view(view).index(feature).drop()

    def restart(self) -> None:
        """Close and open again: the indexes come back from a checkpoint, or are gone."""
        if self.random.random() < 0.6:
            saved = self.path.with_suffix(".checkpoint")
            self.db.checkpoint(saved)
            self.db.close()
            self.db = self._open(checkpoint=saved)
            return
        self.db.close()
        self.db = self._open()
        self.follower = self._open(read_only=True)
        self.built.clear()
        self.changes += 1
        self.alike = True

    # -- what is taken out again -------------------------------------------------------------------------

    def erase(self) -> None:
        """The index goes on without some lanes; a follower, which begins anew, numbers the lanes that are left."""
        head = self.db.head
        super().erase()
        if self.db.head > head:
            self.changes += 1
            self.alike = False

    def compact(self) -> None:
        """Where rows go, everything is folded anew, in the follower too: both are without indexes."""
        super().compact()
        if self.let_go >= 0:
            self.changes += 1
            self.alike = self.let_go > 0
            self.follower.refresh()
        if self.let_go > 0:
            self.built.clear()

    def close(self) -> None:
        self.db.close()
        self.follower.close()
