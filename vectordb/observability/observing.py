"""Observing: putting a hook in place, for one database or for all of the process."""

from __future__ import annotations

import weakref
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING

from ledger import InvalidInput
from vectordb.observability.observation import Hook, Observation, Observers
from vectordb.observability.switch import hold
from vectordb.observability.wrapping import EVERYWHERE

if TYPE_CHECKING:
    from vectordb.database import VectorDB


def observe(hook: Hook, db: VectorDB) -> Observation:
    """Have a hook told of every operation of a database; ``db.observe(hook)`` is the same.

    ``hook(operation, attributes, duration, error)`` is called after each public operation (``OPERATIONS``) of the
    database, its views, services, experiments, audit and lineage, however they were obtained and before or after now,
    on the thread of the caller: the name, attributes by OpenTelemetry's conventions (plain texts and numbers, never an
    entity id or a value), seconds, and what it raised or None. An exposure is told once more, as
    ``feature_flag.evaluation``. Reads of a past are told to the hooks of its database, with ``vectordb.as_of``; a fork
    is a database of its own, which nobody observes yet. Only the outermost operation of a thread is told, and a hook's
    own calls are not. 2 us a call.

    >>> from vectordb import Int, VectorDB
    >>> db, told = VectorDB(), []
    >>> drivers = db.create_view("drivers", entity="driver", features={"trips": Int()})
    >>> with observe(lambda *call: told.append(call), db):
    ...     _ = drivers.get("d-7")
    >>> told[0][0], told[0][1]["db.collection.name"], told[0][3]
    ('view.get', 'drivers', None)
    """
    _check(hook)
    state = db.state
    with state.lock:
        if state.observers is None:
            state.observers = Observers()
        observers: Observers = state.observers
    # The hooks of a database that is gone hold the switch no longer.
    release = weakref.finalize(observers, hold())
    release.atexit = False
    return _placed(hook, observers, release)


def observe_everywhere(hook: Hook) -> Observation:
    """The same for every database of the process, those to come too, and for ``open`` and ``replay`` themselves."""
    _check(hook)
    return _placed(hook, EVERYWHERE, hold())


def _placed(hook: Hook, observers: Observers, release: object) -> Observation:
    known = weakref.ref(observers)

    def remove(one: Observation) -> None:
        found = known()
        if found is not None:
            found.remove(one)
        release()  # type: ignore[operator]  # a function, or a finalizer, which calls it at most once

    one = Observation(hook, remove)
    observers.add(one)
    return one


def _check(hook: object) -> None:
    if not callable(hook) or iscoroutinefunction(hook) or iscoroutinefunction(getattr(hook, "__call__", None)):  # noqa: B004
        rule = "a hook is called with (operation, attributes, duration, error), and awaited by nobody"
        raise InvalidInput(rule, hook=hook, type=type(hook).__name__)
