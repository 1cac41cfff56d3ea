"""A view as a caller reads it: the same class now and in the past."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor
from functools import partial
from typing import TYPE_CHECKING, Any

from ledger import (
    ROW_BITS,
    ROW_MASK,
    Entity,
    EntityNotFound,
    Instant,
    InvalidInput,
    ViewDefinition,
    check_entity,
    to_micros,
)
from vectordb.batches.dense import Dense
from vectordb.batches.entity_ids import check_ids
from vectordb.batches.executors import Progress, Sharing
from vectordb.batches.gather import Gather, Item
from vectordb.batches.matrix import FeatureMatrix
from vectordb.interop import Table, Tabular, given_vector, given_vectors
from vectordb.views.drift import ViewDrift, drift_of
from vectordb.views.history import History
from vectordb.views.hits import Hits
from vectordb.views.indexing import VectorIndex
from vectordb.views.plan import Plan, Status, check_names
from vectordb.views.row import Row
from vectordb.views.sample import ViewSample, read_sample
from vectordb.views.searching import MAX_K, find_scope, search
from vectordb.views.statistics import ViewStatistics, statistics_of
from vectordb.views.version import read_version

if TYPE_CHECKING:
    from vectordb.reader import Reader


class View(Tabular):
    """A named table of features of one kind of entity, read through a database or one of its pasts.

    Obtained from ``db.view(name)`` or ``db.as_of(n).view(name)``. A live view follows redefinitions; a
    past one keeps the definition of its time.
    """

    def __init__(self, reader: Reader, name: str) -> None:
        self._reader = reader
        self.name = name
        self.definition  # noqa: B018 - an unknown name is refused here, not at the first read

    @property
    def definition(self) -> ViewDefinition:
        """The definition that reads use."""
        return self._plan().definition

    @property
    def version(self) -> int:
        """The version of that definition."""
        return self.definition.version

    @property
    def features(self) -> tuple[str, ...]:
        """Feature names in order."""
        return self._plan().names

    def _plan(self) -> Plan:
        return self._reader.consistently(self._reader.plan, self.name)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.definition.label}, as_of={self._reader.as_of_offset})"

    # -- one entity ----------------------------------------------------------------------------------

    def get(self, entity: Entity, *, at: Instant | None = None, require: bool = False) -> Row:
        """The row of an entity; defaults and ``found`` False where it is unknown or deleted.

        ``at`` asks what was valid at a time (as known at this reader's offset); None is the reader's own
        clock. ``require=True`` raises ``EntityNotFound`` instead of giving defaults. 2 us.

        >>> from vectordb import Int, VectorDB
        >>> drivers = VectorDB().create_view("drivers", entity="driver", features={"trips": Int(default=0)})
        >>> receipt = drivers.put("d-7", {"trips": 12})
        >>> row = drivers.get("d-7")
        >>> row["trips"], row.version, drivers.get("d-8").found
        (12, 'drivers/d-7@2', False)
        """
        if type(entity) is not str or not entity or not entity.isascii():
            entity = check_entity(entity)
        row = self._reader.row(self.name, entity, at)
        if require and not row.found:
            rule = "require=True: the entity is found"
            raise EntityNotFound(rule, view=self.name, entity=entity, as_of=row.as_of, at=row.at)
        return row

    def __contains__(self, entity: object) -> bool:
        try:
            return self.get(check_entity(entity)).found
        except ValueError:
            return False

    def history(self, entity: Entity, *, feature: str | None = None) -> History:
        """Every version of an entity in order of offset; with ``feature``, those that wrote it, and the deletes.

        Late, future-dated and deleting writes are all there, whatever a read at this clock would show. Raises
        ``UnknownName`` for a feature that the view does not have.
        """
        entity = check_entity(entity)
        plan = self._plan()
        if feature is not None:
            plan.slot(feature)
        refs = self._reader.consistently(self._refs, entity)
        versions = [read_version(self._reader.state.log, plan, entity, ref) for ref in refs]
        kept = [version for version in versions if feature is None or feature in version.values or version.deleted]
        return History(plan, kept)

    def _refs(self, entity: Entity) -> list[int]:
        return list(self._reader.state.rows.refs(self.name, entity, self._limit()))

    def _limit(self) -> int:
        return self._reader.as_of_offset << ROW_BITS | ROW_MASK

    # -- similarity ----------------------------------------------------------------------------------

    def search(
        self,
        feature: str,
        query: Any,
        k: int = 10,
        *,
        where: Mapping[str, Any] | None = None,
        at: Instant | None = None,
        exact: bool = False,
        recall: float = 0.95,
    ) -> Hits:
        """The ``k`` entities whose vectors are nearest to a query, nearest first; ties go by entity id.

        ``where`` keeps entities whose features match, in the form of MongoDB: ``{"city": "Rome", "trips":
        {"$gte": 10}}``. Below 2,000 vectors, with ``exact=True``, and while there is no index every vector
        is measured (3.5 us each for 128 dimensions); the index finds ``recall`` of what that would find,
        as its build promised (``view.index(feature).stats()``), in 1 to 3 ms of a million. Always ``k`` hits
        where ``k`` living matches exist. Raises ``UnknownName``, and ``InvalidInput`` for a feature that is no vector,
        a query of another dimension, a ``where`` that cannot be read, ``k`` or ``recall``.

        >>> from vectordb import Vector, VectorDB
        >>> songs = VectorDB().create_view("songs", entity="song", features={"sound": Vector(2, metric="cosine")})
        >>> receipt = songs.put_many({"song": ["a", "b"], "sound": [[1.0, 0.0], [0.0, 1.0]]})
        >>> hit = songs.search("sound", [2.0, 0.0], k=1)[0]
        >>> hit.entity, hit.distance, hit.version
        ('a', 0.0, 'songs/a@2.0')
        """
        return search(self._reader, self.name, feature, given_vector(query), k, where, at, exact, recall)

    def search_many(
        self,
        feature: str,
        queries: Iterable[Any],
        k: int = 10,
        *,
        where: Mapping[str, Any] | None = None,
        at: Instant | None = None,
        exact: bool = False,
        recall: float = 0.95,
        executor: Executor | None = None,
    ) -> list[Hits]:
        """``search`` for every query, all at one offset and clock; through an executor of threads, where given."""
        pinned = self._pinned()
        find = partial(pinned.search, feature, k=k, where=where, at=at, exact=exact, recall=recall)
        asked = given_vectors(queries)
        return list(map(find, asked) if executor is None else executor.map(find, asked))

    def _pinned(self) -> View:
        reader = self._reader
        offset = reader.consistently(lambda: reader.as_of_offset)  # not an event that is still being folded
        return View(reader.pinned(offset, reader.clock()), self.name)

    def neighbours(
        self,
        feature: str,
        k: int = 10,
        *,
        entities: Iterable[Entity] | None = None,
        where: Mapping[str, Any] | None = None,
        at: Instant | None = None,
        exact: bool = False,
        recall: float = 0.95,
    ) -> Iterator[tuple[Entity, Hits]]:
        """The nearest others of many entities (all for None), one by one: an export of the neighbour graph.

        All at one offset and clock; entities without a vector are left out. The options are those of ``search``; with
        ``where``, the others match. It begins, and refuses (``InvalidInput``), when the first one is asked for.
        """
        if type(k) is not int or not 1 <= k <= MAX_K:
            raise InvalidInput(f"k is an int from 1 to {MAX_K}", k=k)
        pinned = self._pinned()
        for entity in pinned.entities(at=at) if entities is None else map(check_entity, entities):
            row = pinned.get(entity, at=at)
            if row.status_of(feature) is Status.PRESENT:
                query = row.comparable(feature)
                hits = pinned.search(feature, query, min(k + 1, MAX_K), where=where, at=at, exact=exact, recall=recall)
                yield entity, hits.without(entity, k)

    def index(self, feature: str) -> VectorIndex:
        """The index of a vector feature: ``build``, ``stats``, ``wait``, ``drop``.

        Raises ``UnknownName``, and ``InvalidInput`` for a feature that is no vector.
        """
        state = self._reader.state
        scope = self._reader.consistently(find_scope, self._reader, self.name, feature, self._reader.clock())
        return VectorIndex(self, scope.field, state.indexing)

    # -- many ----------------------------------------------------------------------------------------

    def get_many(
        self,
        entities: Iterable[Entity],
        features: Iterable[str] | None = None,
        *,
        at: Instant | None = None,
        dtype: str = "float64",
        executor: Executor | None = None,
        progress: Progress | None = None,
    ) -> FeatureMatrix:
        """The rows of many entities at one offset and clock, in the order asked, repeats included.

        ``entities`` are ids in any sequence or iterable, also a column of NumPy, pandas or Arrow.
        Now and without ``at``, rows that were read before cost 50 ns each, however many features; others 2 us.
        ``dtype="float32"`` narrows the numbers. An ``executor`` (threads, processes, ...) shares the packing of rows
        that were not read before, where there are enough of them; ``progress(done, rows)`` is called as it goes on.
        Raises ``UnknownName`` for a feature, ``InvalidEntity`` for what is no id.

        >>> from vectordb import Float, VectorDB
        >>> drivers = VectorDB().create_view("drivers", entity="driver", features={"rating": Float()})
        >>> receipt = drivers.put_many({"driver": ["a", "b"], "rating": [4.5, 3.0]})
        >>> drivers.get_many(["b", "nobody"]).to_rows()
        [(3.0,), (None,)]
        """
        ids = check_ids(entities)
        asked = None if features is None else check_names(features)
        clock = None if at is None else to_micros(at)
        shared = Sharing(executor, progress)
        read = self._reader.consistently(self._read_many, ids, asked, clock, shared)
        return read if dtype == "float64" else read.astype(dtype)

    def _read_many(
        self, ids: list[Entity], asked: tuple[str, ...] | None, at: int | None, shared: Sharing
    ) -> FeatureMatrix:
        reader, name = self._reader, self.name
        plan = reader.plan(name)
        names = plan.names if asked is None else plan.check_features(asked)
        items = [Item(one, name, one) for one in names]
        gather = reader.state.gather((plan.label, names), lambda: Gather(reader.state, items, {name: plan}))
        offset, clock = reader.as_of_offset, reader.clock() if at is None else at
        shared = shared.part(0, 1, len(ids))
        data, words = reader.gathered(gather, ids, clock, at is None, shared)
        shared.tell(1, 1)
        numbers = Dense(data, (len(ids), len(gather.kinds)), "float64")
        pinned = reader.pinned(offset, clock)

        def row_of(place: int) -> Row:
            return pinned.row(name, ids[place])

        columns = gather.columns(words)
        return FeatureMatrix(names, ids, gather.kinds, numbers, columns, row_of, offset, clock, plan.label)

    def table(
        self,
        entities: Iterable[Entity] | None = None,
        features: Iterable[str] | None = None,
        *,
        at: Instant | None = None,
        statuses: bool = False,
    ) -> Table:
        """The rows of some entities, or of all that exist, as Arrow columns: ids under the kind of entity, features.

        All at one offset and clock. With ``statuses`` every feature has a column ``<name>__status`` too. The view
        itself is taken for this table by whoever takes Arrow's protocol.
        """
        pinned = self._pinned()
        ids = pinned.entities(at=at) if entities is None else entities
        return pinned.get_many(ids, features, at=at).table(entity=pinned.definition.entity, statuses=statuses)

    # -- statistics ----------------------------------------------------------------------------------

    def statistics(self, features: Iterable[str] | None = None, *, at: Instant | None = None) -> ViewStatistics:
        """Counts by status, distribution and freshness of every feature (or some) at one offset and clock.

        Of the entities that exist; means and deviations are exact. Raises ``UnknownName``. 1 us a value.
        """
        return statistics_of(self._sample(at), features)

    def drift(
        self, since: int | View, features: Iterable[str] | None = None, *, at: Instant | None = None, bins: int = 10
    ) -> ViewDrift:
        """How features moved since an offset, read at its own clock, or against another view (a past's, a fork's).

        ``at`` is the clock of the later reading (None: this reader's). ``bins`` is how many equally filled bins of the
        earlier numbers PSI, KL and JS compare. Raises ``OffsetOutOfRange``, and ``UnknownName`` for a feature that
        neither reading has. 1 us a value of either.
        """
        then = since if isinstance(since, View) else self._reader.as_of(since).view(self.name)
        return drift_of(then._sample(), self._sample(at), features, bins)

    def _sample(self, at: Instant | None = None) -> ViewSample:
        return self._reader.consistently(read_sample, self._reader, self.name, at)

    # -- entities ------------------------------------------------------------------------------------

    def entities(self, *, at: Instant | None = None) -> list[Entity]:
        """Ids of the entities that exist (valid at ``at``, None: now), in order of their first write."""
        return self._reader.found_entities(self.name, at)

    def __bool__(self) -> bool:
        return True  # a view is there, however many entities it has; a length would read them all

    def __len__(self) -> int:
        return self._reader.count(self.name)
