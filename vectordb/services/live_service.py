"""A service of a live database: its reads, and the fitting of its pipeline."""

from __future__ import annotations

from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any

from ledger import DefinitionConflict, PipelineFitted, ServiceDefinition, fitted_from_json
from vectordb.batches.executors import Progress
from vectordb.pipelines.applied_pipeline import AppliedPipeline
from vectordb.pipelines.fitting import Learnt, Lesson, learn
from vectordb.receipt import Receipt
from vectordb.services.service import Service
from vectordb.writer import make_meta

if TYPE_CHECKING:
    from vectordb.database import VectorDB
    from vectordb.reader import Reader


class LiveService(Service):
    """A service that can be fitted; everything of ``Service`` is here."""

    def __init__(self, db: VectorDB, name: str) -> None:
        super().__init__(db, name)
        self._db = db

    def fit(
        self,
        spine: Any = None,
        target: str | None = None,
        as_of: int | None = None,
        *,
        known_at: Any = None,
        executor: Executor | None = None,
        progress: Progress | None = None,
        **meta: Any,
    ) -> Receipt:
        """Fit the pipeline on the ledger; what it learnt is an event, the next version of the pipeline.

        Without a ``spine`` it learns from the rows that exist; with one (see ``training_set``) from what the service
        would have served at each moment, with the column ``target`` as labels. ``as_of`` is the offset whose rows are
        seen (None: the head); the event names it, the versions of the views and the number of rows. Reads use the new
        version from the event on, and a past the one of its time. ``executor`` shares the work; the bits are the same.
        Raises ``InvalidInput`` (no pipeline, no rows, a spine or target that is none), ``CannotTransform``,
        ``OffsetOutOfRange``, and ``DefinitionConflict`` where the service was defined anew meanwhile.

        >>> from vectordb import Float, VectorDB
        >>> from vectordb.transforms import MinMaxScaler
        >>> db = VectorDB()
        >>> cars = db.create_view("cars", entity="car", features={"price": Float()})
        >>> receipt = cars.put_many({"car": ["a", "b"], "price": [10.0, 30.0]})
        >>> service = db.create_service("priced", features=["cars:price"], pipeline=MinMaxScaler())
        >>> service.fit().offset, service.get("b").to_dict()
        (4, {'price': 1.0})
        """
        past = self._now() if as_of is None else self._db.as_of(as_of)
        definition = self.definition
        lesson = Lesson(spine, target, known_at, executor, progress)
        learnt = learn(past, Service(past, self.name, definition.version), lesson)
        return self._record(learnt, definition, meta)

    def _now(self) -> Reader:
        """The database as it is, pinned: what a live read would see."""
        db = self._db
        return db.consistently(lambda: db.pinned(db.as_of_offset, db.clock()))

    def _record(self, learnt: Learnt, used: ServiceDefinition, meta: dict[str, Any]) -> Receipt:
        state = self._db.state
        with state.lock:
            state.heal()
            definition = state.catalog.services.get(self.name)
            if not definition.transforms_like(used):
                rule = "the service was defined anew while its pipeline was fitted"
                raise DefinitionConflict(rule, service=used.label, now=definition.label)
            version = len(state.catalog.pipelines.versions(self.name)) + 1
            fitted = learnt.fitted(definition, version)
            fact = PipelineFitted(fitted_from_json(fitted.to_json()))  # refuses what could not be read back
            state.log.registry.check(fact, state.log)
            AppliedPipeline(fitted, learnt.types)  # refuses what could not be applied
            return self._db.writer.commit(lambda offset, time: fact, make_meta(**meta))
