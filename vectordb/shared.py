"""A shared database: its writes are decided on what all have written, and again where another one was faster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from random import uniform
from time import sleep
from typing import Any, Final, TypeVar, cast

from ledger import HeadMoved, UnknownName
from vectordb.database import VectorDB
from vectordb.experiments import LiveExperiment
from vectordb.following import catch_up
from vectordb.live_service import LiveService
from vectordb.live_view import LiveView
from vectordb.transaction import Transaction

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
TRIES: Final = 100
LONGEST_PAUSE_S: Final = 0.05


def decided(write: F) -> F:
    """A write that first folds what others wrote, and is made again where one of them came between.

    What it refuses, it refuses as of a moment within the call. Iterators among the arguments are read once, before.
    """

    @wraps(write)
    def again(self: Any, *arguments: Any, **options: Any) -> Any:
        db = _database_of(self)
        given = list(map(_kept, arguments))
        kept = {name: _kept(value) for name, value in options.items()}
        for number in range(1, TRIES + 1):
            catch_up(db)
            try:
                return write(self, *given, **kept)
            except HeadMoved:
                if number == TRIES:
                    raise
            sleep(uniform(0.0, min(LONGEST_PAUSE_S, 0.0005 * 2 ** min(number, 10))))
        raise AssertionError("the last try answers or raises")

    return cast(F, again)


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

    def transaction(self, **options: Any) -> Transaction:
        """Several writes in one event; see ``VectorDB.transaction``."""
        return SharedTransaction(self, **options)

    def _named(self, find: Callable[[], T]) -> T:
        """What is there by name; where it is not, another one may have defined it meanwhile."""
        try:
            return find()
        except UnknownName:
            catch_up(self)
            return find()
