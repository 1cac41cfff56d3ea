"""A shared database: its writes are decided on what all have written, and again where another one was faster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from random import uniform
from time import monotonic, sleep
from typing import Any, Final, TypeVar, cast

from ledger import HeadMoved, SqlStore, StoreError, UnknownName
from vectordb.database import VectorDB
from vectordb.experiments import LiveExperiment
from vectordb.persistence.refreshing import catch_up
from vectordb.services.live_service import LiveService
from vectordb.transaction import Transaction
from vectordb.views.live_view import LiveView

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
TRIES: Final = 100
PATIENCE: Final = 4  # tries after which a writer waits for its turn
LONGEST_PAUSE_S: Final = 0.02


def decided(write: F) -> F:
    """A write that is decided on what all have written, and again where another one came between.

    It is made at once: where its line finds its place, nobody came between, and one round trip does it. Whoever is
    overtaken pauses, so that others write several lines in a row, folds them and tries again; after some tries it
    stands in line with all who wait, and pauses no more. What is refused, or found done already, is so as of a moment
    within the call. Iterators among the arguments are read once.

    A turn for every write costs more: each line then waits until another process is woken (4 writers and 4 followers on
    PostgreSQL, 2 cores: 400 events a second, against 1,700).
    """

    @wraps(write)
    def again(self: Any, *arguments: Any, **options: Any) -> Any:
        db = _database_of(self)
        given = list(map(_kept, arguments))
        kept = {name: _kept(value) for name, value in options.items()}
        store = _store_of(db)
        store.check_writable()  # first: a forked child may wait for the lock in vain
        with store.lock:  # before that of the state: one thread at a time decides
            return _decide(db, lambda: write(self, *given, **kept))

    return cast(F, again)


def _decide(db: VectorDB, write: Callable[[], T]) -> T:
    since, moved = monotonic(), HeadMoved("a writer tries")
    for number in range(TRIES):
        try:
            if number >= PATIENCE:
                return _at_its_turn(db, write)
            if number:
                sleep(uniform(0.0, min(LONGEST_PAUSE_S, 0.001 * 2**number)))
                catch_up(db)
            return _at_once(db, write)
        except HeadMoved as error:
            moved = error
    rule = "a writer is overtaken less often than it tries: others write this ledger all the time"
    raise HeadMoved(rule, **moved.values, tries=TRIES, seconds=round(monotonic() - since, 3)) from moved


def _at_once(db: VectorDB, write: Callable[[], T]) -> T:
    """Decide on what is folded; what wrote nothing, an answer or a refusal, is given if that is still all there is."""
    written, known = _store_of(db).written, (db.state, db.head)
    try:
        answer = write()
    except StoreError:
        raise
    except Exception:
        if _store_of(db).written == written and _has_moved(db, known):
            return _at_its_turn(db, write)
        raise
    if _store_of(db).written == written and _has_moved(db, known):
        return _at_its_turn(db, write)
    return answer


def _has_moved(db: VectorDB, known: tuple[Any, int]) -> bool:
    catch_up(db)
    return (db.state, db.head) != known


def _at_its_turn(db: VectorDB, write: Callable[[], T]) -> T:
    """Decide while nobody else does who stands in line; with sqlite3, while nobody does."""
    with _store_of(db).turn():
        catch_up(db)
        return write()


def _store_of(db: VectorDB) -> SqlStore:
    store = db.state.journal.store
    assert isinstance(store, SqlStore)
    return store


def _database_of(self: Any) -> VectorDB:
    return self if isinstance(self, VectorDB) else self._live if isinstance(self, LiveView) else self._db


def _kept(argument: Any) -> Any:
    if isinstance(argument, Iterator):
        return list(argument)
    if isinstance(argument, Mapping) and any(isinstance(value, Iterator) for value in argument.values()):
        return {name: _kept(value) for name, value in argument.items()}
    return argument


class SharedView(LiveView):
    """A view of a shared ledger."""

    put = decided(LiveView.put)
    delete = decided(LiveView.delete)
    put_many = decided(LiveView.put_many)


class SharedService(LiveService):
    """A service of a shared ledger."""

    _record = decided(LiveService._record)


class SharedExperiment(LiveExperiment):
    """An experiment of a shared ledger."""

    _expose = decided(LiveExperiment._expose)
    _record = decided(LiveExperiment._record)
    _change = decided(LiveExperiment._change)


class SharedTransaction(Transaction):
    """A transaction of a shared ledger."""

    _commit = decided(Transaction._commit)


class SharedDB(VectorDB):
    """What ``VectorDB.connect`` gives: every call of ``VectorDB``, on a ledger that others write too."""

    create_view = decided(VectorDB.create_view)
    create_service = decided(VectorDB.create_service)
    create_model = decided(VectorDB.create_model)
    create_experiment = decided(VectorDB.create_experiment)
    mark = decided(VectorDB.mark)
    record_prediction = decided(VectorDB.record_prediction)
    record_predictions = decided(VectorDB.record_predictions)
    record_training_set = decided(VectorDB.record_training_set)
    erase = decided(VectorDB.erase)
    compact = decided(VectorDB.compact)

    def view(self, name: str) -> LiveView:
        """A view by name, to read and to write; raises ``UnknownName``."""
        return self._named(lambda: SharedView(self, name))

    def service(self, name: str) -> LiveService:
        """A feature service by name, to read from and to fit; raises ``UnknownName``."""
        return self._named(lambda: SharedService(self, name))

    def experiment(self, name: str) -> LiveExperiment:
        """An experiment by name, to assign, to record and to change; raises ``UnknownName``."""
        return self._named(lambda: SharedExperiment(self, name))

    def transaction(
        self, *, expected_head: int | None = None, idempotency_key: str | None = None, **meta: Any
    ) -> Transaction:
        """Several writes in one event; see ``VectorDB.transaction``."""
        return SharedTransaction(self, expected_head=expected_head, idempotency_key=idempotency_key, **meta)

    def close(self) -> None:
        """Close the connection, once the write under way is done; see ``VectorDB.close``."""
        with _store_of(self).lock:
            super().close()

    def _named(self, find: Callable[[], T]) -> T:
        """What is there by name; where it is not, another one may have defined it meanwhile."""
        try:
            return find()
        except UnknownName:
            catch_up(self)
            return find()
