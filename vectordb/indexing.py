"""Indexing: who builds the index of a vector feature, and when.

A search that finds many vectors without an index starts a build in a thread of its own and measures every
vector meanwhile; readers and writers go on. ``build`` does it at once, where the caller waits, on an executor
of the caller's. Either way the finished index is brought up to now under the lock and taken by one reference.
"""

from __future__ import annotations

from concurrent.futures import Executor
from threading import RLock, Thread
from typing import TYPE_CHECKING, Any

from ledger import DefinitionError, InvalidInput, free_in_children
from projections import Field, Progress

if TYPE_CHECKING:
    from vectordb.state import State
    from vectordb.view import View

AUTOMATIC_FROM = 4_096  # vectors from which a search has an index built


class Indexing:
    """The builds of one database. ``automatic`` False leaves every build to ``build``."""

    def __init__(self, state: State, automatic: bool = True) -> None:
        self._state = state
        self.automatic = automatic
        self._lock = free_in_children(RLock())
        self._threads: dict[int, Thread] = {}
        self.errors: dict[int, BaseException] = {}

    def field(self, view: str, slot: int) -> Field:
        """The field of a view's slot."""
        return self._state.vectors.fields[view][slot]

    def consider(self, field: Field) -> None:
        """Start a build in the background where one is due. 0.2 us where none is."""
        if self.automatic and field.is_due(AUTOMATIC_FROM) and id(field) not in self._threads:
            with self._lock:
                if id(field) not in self._threads:
                    thread = Thread(target=self._run, args=(field,), name="vectordb-index", daemon=True)
                    self._threads[id(field)] = thread
                    thread.start()

    def _run(self, field: Field) -> None:
        try:
            self.build(field)
            self._threads.pop(id(field), None)  # a failed one stays, so that it is not tried at every search
        except Exception as error:
            self.errors[id(field)] = error  # ``stats`` shows it; searches go on measuring every vector

    def build(
        self,
        field: Field,
        *,
        executor: Executor | None = None,
        progress: Progress | None = None,
        seed: int = 0,
    ) -> None:
        """Build the index of a field and use it. Writers wait only while it is brought up to now."""
        _check_indexable(field)
        if not len(field):
            raise InvalidInput("an index is built of at least one vector", view=field.view)
        built = field.build(seed=seed, executor=executor, progress=progress)
        with self._state.lock:
            self._state.heal()
            field.adopt(built)
        self.errors.pop(id(field), None)

    def end_threads(self) -> None:
        """In a forked child: no build goes on, and the next search may begin one."""
        self._threads = {}

    def is_building(self, field: Field) -> bool:
        """Whether a thread is at work."""
        thread = self._threads.get(id(field))
        return thread is not None and thread.is_alive()

    def wait(self, field: Field, timeout: float | None = None) -> bool:
        """Wait for the thread that builds a field; False when the time ran out."""
        thread = self._threads.get(id(field))
        if thread is not None:
            thread.join(timeout)
        return not self.is_building(field)


class VectorIndex:
    """The index of one vector feature: ``view.index("profile")``."""

    def __init__(self, view: View, field: Field, indexing: Indexing) -> None:
        self._view = view
        self._place = field.view, field.slot
        self._indexing = indexing

    @property
    def _field(self) -> Field:
        """The field as it is now: after a compaction it is another one."""
        return self._indexing.field(*self._place)

    def build(
        self, *, executor: Executor | None = None, progress: Progress | None = None, seed: int = 0
    ) -> dict[str, Any]:
        """Train and build now, and wait for it; the ``stats``.

        ``executor`` (say a ``ProcessPoolExecutor``) shares the work; ``progress(stage, done, total)`` is
        called after every piece. The same log and seed give the same index. Raises ``InvalidInput`` where there is no
        vector yet, ``DefinitionError`` for a metric or element type that is always measured exactly. About 50 us a
        vector of 128 dimensions in one process.
        """
        self._indexing.build(self._field, executor=executor, progress=progress, seed=seed)
        return self.stats()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for a build in the background; False when ``timeout`` seconds ran out."""
        return self._indexing.wait(self._field, timeout)

    def drop(self) -> None:
        """Give the index up; searches measure every vector again."""
        self._field.index = None

    def stats(self) -> dict[str, Any]:
        """What there is and what it promises: vectors, segments, bytes, and effort and measured recall by promise."""
        error = self._indexing.errors.get(id(self._field))
        state = "building" if self._indexing.is_building(self._field) else "ready" if self._field.index else "none"
        stats = {"view": self._field.view, "state": state, "error": None if error is None else repr(error)}
        return {**stats, **self._field.stats()}

    def __repr__(self) -> str:
        return f"VectorIndex({self.stats()})"


def _check_indexable(field: Field) -> None:
    if not field.is_indexable:
        rule = "an index serves euclidean, sqeuclidean, cosine, dot and manhattan; other fields are measured exactly"
        raise DefinitionError(rule, metric=field.kind.metric, dtype=field.kind.dtype)
