"""The database: the composition root and the public surface of a live ledger."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from ledger import (
    Clock,
    ClosedLedger,
    Entity,
    Event,
    InvalidInput,
    Journal,
    Log,
    OffsetOutOfRange,
    SqlStore,
    new_header,
    system_clock,
)
from projections import Projection, write_checkpoint
from vectordb.audit.ground import note_fork
from vectordb.definition_writer import DefinitionWriter
from vectordb.erasing import Compaction, Erasure, compact, erase
from vectordb.persistence.opening import Expect, OpenReport, Options, open_state, replay_events, replay_path
from vectordb.predictions.prediction_writer import PredictionWriter
from vectordb.recording import Recording
from vectordb.state import SERVED_BYTES, State
from vectordb.subscription import Subscription
from vectordb.transaction import Transaction
from vectordb.what_if import WhatIf
from vectordb.writer import Writer

if TYPE_CHECKING:
    from vectordb.observability import Hook, Observation
    from vectordb.persistence.follower import Follower
    from vectordb.persistence.refreshing import Lag

T = TypeVar("T")
POLL_S = 0.02


class VectorDB(Recording):
    """An in-memory feature database over an event log.

    ``VectorDB()`` lives in memory; ``VectorDB.open(path)`` keeps its log in a file; ``VectorDB.replay``
    makes a fresh instance from a log. ``clock`` returns microseconds since 1970 UTC, ``seed`` makes the
    ledger's id repeatable, ``projections`` are your own (see ``Projection``). ``auto_index`` lets a search of many
    vectors have their index built by a thread; without it, ``view.index(feature).build()`` builds it. ``served_bytes``
    is what the packed rows that make a batch one gather may take (0: rows are always packed anew), of the 64 lists of
    features that were asked for last. Calls that write take ``actor``, ``correlation``, ``causation`` and ``tags`` too
    (``**meta``), which the event keeps as given; where a definition has tags of its own, those are the definition's.

    >>> from vectordb import Int
    >>> db = VectorDB()
    >>> drivers = db.create_view("drivers", entity="driver", features={"trips": Int(default=0)})
    >>> receipt = drivers.put("d-7", {"trips": 12})
    >>> drivers.get("d-7")["trips"], receipt.versions
    (12, ('drivers/d-7@2',))
    """

    def __init__(
        self,
        *,
        clock: Clock = system_clock,
        seed: int | None = None,
        projections: Sequence[Projection] = (),
        max_event_bytes: int = 64 << 20,
        auto_index: bool = True,
        served_bytes: int = SERVED_BYTES,
    ) -> None:
        log = Log(new_header(clock(), seed))
        journal = Journal(log, max_event_bytes=max_event_bytes)
        self._assemble(State(journal, clock, projections, auto_index, served_bytes))

    def _assemble(self, state: State, report: OpenReport | None = None) -> None:
        self.state = state
        self.writer = Writer(state)
        self.opened = report or OpenReport()
        self.definition_writer = DefinitionWriter(state, self.writer)
        self._prediction_writer = PredictionWriter(state, self.writer)

    @classmethod
    def _of(cls, state: State, report: OpenReport | None = None) -> VectorDB:
        db = cls.__new__(cls)
        db._assemble(state, report)
        return db

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        clock: Clock = system_clock,
        seed: int | None = None,
        projections: Sequence[Projection] = (),
        fsync: str = "never",
        recover: bool = False,
        expect: Expect = None,
        read_only: bool = False,
        lazy: bool = False,
        checkpoint: str | os.PathLike[str] | None = None,
        max_event_bytes: int = 64 << 20,
        auto_index: bool = True,
        served_bytes: int = SERVED_BYTES,
        executor: Executor | None = None,
    ) -> VectorDB:
        """Replay a ledger file (created when it is not there), then append to it.

        ``fsync`` says what survives what. A write that returned survives a kill of the process in any case. It survives
        a power cut with "always"; with "interval" once a sync came after it, which the first write a second or more
        after the last sync makes, and ``close``; with "never", the default, once the system wrote it by itself.

        One process writes (``LedgerLocked`` otherwise); any number opens ``read_only`` and follows with ``refresh``.
        Damage stops the open, naming line and offset; ``recover=True`` keeps the valid prefix and leaves the original
        beside it. ``expect`` (an offset, or an offset and its digest) finds the loss of whole last lines.
        ``lazy`` leaves the events in the file, ``checkpoint`` those it covers until asked for: hashed, not parsed.
        ``db.opened`` then tells what was found. 8 us an event of ten floats, 2 us a row of a batch; 3 and 1 if covered.
        Processes of an ``executor`` (or Dask's) parse and pack runs of single rows of one view, without texts and
        vectors, ahead of their turn; answers and errors stay the same. From 8 MiB on: 4 us an event here, 6 there.
        """
        options = Options(clock, fsync, read_only, lazy, seed, max_event_bytes, checkpoint, auto_index, served_bytes)
        options = options._replace(executor=executor)
        return cls._of(*open_state(path, options, projections, expect, recover))

    @classmethod
    def connect(
        cls,
        connect: Callable[[], Any] | str | os.PathLike[str],
        *,
        ledger: str = "main",
        module: Any = None,
        table: str = "vectordb",
        clock: Clock = system_clock,
        seed: int | None = None,
        projections: Sequence[Projection] = (),
        expect: Expect = None,
        read_only: bool = False,
        max_event_bytes: int = 64 << 20,
        auto_index: bool = True,
        served_bytes: int = SERVED_BYTES,
    ) -> VectorDB:
        """A ledger in a table, which any number of processes and machines read and write at once.

        ``connect`` makes a connection of any PEP 249 driver (or is the path of an sqlite3 file): one that threads may
        use in turn, best in autocommit mode; it is called again once that is lost. ``module`` is the driver's, where
        the connection's type does not tell; ``ledger`` names one of many in the tables ``<table>_lines`` and
        ``<table>_ledgers``, made where they are missing. Every write is decided on all that was written before,
        and is decided again where another one was faster (``HeadMoved`` once that happened 100 times). Reads
        answer as of what this process has folded: see ``refresh``, ``follow`` and ``lag``.

        >>> import sqlite3
        >>> db = VectorDB.connect(lambda: sqlite3.connect(":memory:", check_same_thread=False))
        >>> db.mark("release-7"), db.lag().events, db.close()
        (1, 0, None)
        """
        from vectordb.persistence.connecting import connect_state
        from vectordb.persistence.shared import SharedDB

        options = Options(clock, "never", read_only, False, seed, max_event_bytes, None, auto_index, served_bytes)
        store = SqlStore(connect, ledger, module=module, table=table, read_only=read_only)
        return SharedDB._of(*connect_state(store, options, projections, expect))

    @classmethod
    def replay(
        cls,
        source: str | os.PathLike[str] | Iterable[Event],
        *,
        as_of: int | None = None,
        clock: Clock = system_clock,
        projections: Sequence[Projection] = (),
        executor: Executor | None = None,
    ) -> VectorDB:
        """A fresh in-memory instance from a ledger file or from events, whole or up to an offset.

        The workers of an ``executor`` help with a file, as in ``open``; they have no part in events, nor in a kit.
        Raises ``DamagedLog`` (or a child, naming line and offset), and ``OffsetOutOfRange`` for ``as_of``.
        """
        if isinstance(source, (str, os.PathLike)):
            return cls._of(*replay_path(source, as_of, clock, projections, executor))
        return cls._of(replay_events(source, as_of, clock, projections))

    # -- forks ---------------------------------------------------------------------------------------

    def fork(
        self,
        offset: int | None = None,
        *,
        clock: Clock | None = None,
        seed: int | None = None,
        projections: Sequence[Projection] = (),
    ) -> VectorDB:
        """A writable branch in memory as of an offset (None: the head); this database is never touched.

        It shares the events and folds them anew (3 us an event), into fresh ``projections`` of yours too.
        Of a ``lazy`` ledger it reads them from its parent's file, and ends when the parent is closed. Raises
        ``OffsetOutOfRange``, and ``Pruned`` below a compaction.
        """
        state = self.state
        with state.lock:
            at = state.log.head if offset is None else self._as_of_offset(offset).as_of_offset
            clock = clock or state.clock
            log = state.log.fork(at, clock(), seed)
            journal = Journal(log, max_event_bytes=state.journal.max_event_bytes)
            branch = State(journal, clock, projections, state.indexing.automatic, state.served_bytes)
        note_fork(branch, state, at)
        branch.fold.run(branch.log.events())
        return VectorDB._of(branch)

    def what_if(self, after: int | None = None) -> WhatIf:
        """The history after an offset told otherwise: ``db.what_if().drop(7).run()`` (see ``WhatIf``).

        None forks right before the first change. Raises ``OffsetOutOfRange``.
        """
        return WhatIf(self, self.consistently(lambda: self.pinned(self.as_of_offset, self.clock())), after)

    # -- writing ---------------------------------------------------------------------------------------

    def transaction(
        self, *, expected_head: int | None = None, idempotency_key: str | None = None, **meta: Any
    ) -> Transaction:
        """Several writes in one event: ``with db.transaction(actor="etl") as tx: tx.view("drivers").put(...)``.

        ``expected_head`` refuses (``HeadConflict``) unless it is the head when the block ends. The same block with the
        same ``idempotency_key`` again gives the first receipt.
        """
        return Transaction(self, expected_head=expected_head, idempotency_key=idempotency_key, **meta)

    # -- erasure and retention ------------------------------------------------------------------------

    def erase(self, view: str, entities: Entity | Iterable[Entity], *, reason: str, **meta: Any) -> Erasure:
        """Destroy everything that the ledger holds of an entity of a view (or a list of them), past reads included.

        Its values go from events, views, vectors, tallies, caches and the file, with recorded predictions of it and its
        part in experiments of its kind; ids of what is left stay, and asking for what is gone raises ``Erased``.
        Offsets, digests and proofs stay valid. The answer lists what was destroyed and what was made of it; a dry run
        is ``audit.blast_radius``. Followers see it at their next ``refresh``; snapshots, checkpoints and live forks are
        separate copies. Raises ``UnknownName``, and ``InvalidInput`` where the log knows nothing of them, or the
        reason, which stays, names one. Cost: the file is written anew; views that cannot drop rows are folded anew (3
        us an event).

        >>> from vectordb import Int
        >>> db = VectorDB()
        >>> drivers = db.create_view("drivers", entity="driver", features={"trips": Int()})
        >>> _ = drivers.put("d-7", {"trips": 12})
        >>> db.erase("drivers", "d-7", reason="request 4711").versions, drivers.get("d-7").found
        (('drivers/d-7@2',), False)
        """
        return erase(self, view, entities, reason, meta)

    def compact(self, *, below: int, **meta: Any) -> Compaction:
        """Let go what no read as of ``below`` or later can see: rows that newer ones replaced before it.

        Definitions, predictions, exposures and outcomes stay, as do digests and proofs. Earlier offsets, and clocks
        before its recorded time, then raise ``Pruned`` with the valid range. Raises ``OffsetOutOfRange`` unless
        ``below`` is in the log and above the last such bound. Cost: as ``erase``, all views folded anew.
        """
        return compact(self, below, meta)

    # -- the log as a whole ----------------------------------------------------------------------------

    def subscribe(self, from_offset: int | None = None) -> Subscription:
        """Events from an offset on, old ones first, then live; None = only what comes from now on.

        Raises ``OffsetOutOfRange`` for an offset that is no int.
        """
        if from_offset is not None and not isinstance(from_offset, int):
            raise OffsetOutOfRange("a subscription begins at an offset", offset=from_offset)
        return Subscription(self, self.head + 1 if from_offset is None else max(1, from_offset))

    def wait(self, offset: int, timeout: float | None = None) -> bool:
        """Wait until the head reaches an offset; False when ``timeout`` seconds ran out first.

        A read-only or shared database catches up meanwhile. Raises ``OffsetOutOfRange`` for an offset that is no int.
        """
        if not isinstance(offset, int):
            raise OffsetOutOfRange("wait takes an offset", offset=offset)
        store = self.state.journal.store
        if store is None or not store.follows:
            return self.state.log.wait(offset, timeout)
        deadline = None if timeout is None else time.monotonic() + timeout
        while self.refresh() < offset:
            if deadline is not None and time.monotonic() >= deadline:
                return False
            time.sleep(POLL_S)
        return True

    def refresh(self) -> int:
        """Fold the lines that others have appended to the file or the shared ledger; the head.

        When lines were replaced (a snapshot moved over the file, an erasure), it is replayed from the start. Raises
        ``ReadOnlyLedger`` where nobody else can write: in memory, and in a file that this database writes.
        """
        from vectordb.persistence.refreshing import catch_up

        catch_up(self)
        return self.head

    def lag(self) -> Lag:
        """How far reads are behind what the file or the shared ledger holds by now, in events and in seconds.

        It looks and folds nothing; ``Lag.checked`` tells when something last did. Of a ledger that nobody else writes
        there is none. Raises ``StoreError`` where the store cannot be asked. A file's new lines are read to be counted.
        """
        from vectordb.persistence.refreshing import lag_of

        return lag_of(self)

    def follow(self, interval: float = 0.05) -> Follower:
        """Call ``refresh`` on a thread, ``interval`` seconds apart, until the answer's ``stop`` (or ``close``).

        What stops one refresh (say ``ConnectionLost``) is kept in ``Follower.error`` and the next one tries again;
        reads go on answering as of what was folded. Raises ``ReadOnlyLedger`` where ``refresh`` does.
        """
        from vectordb.persistence.follower import Follower

        return Follower(self, interval)

    def observe(self, hook: Hook) -> Observation:
        """Have ``hook(operation, attributes, duration, error)`` told of every operation, until the answer is closed.

        See ``vectordb.observability``: names and attributes, ``Metrics``, adapters. Nothing is paid without a hook.
        """
        from vectordb.observability import observe

        return observe(hook, self)

    def snapshot(self, path: str | os.PathLike[str]) -> int:
        """Write the whole log as a ledger file (temporary file, fsync, rename, fsync of the folder); its bytes."""
        return self.state.snapshot(path)

    def checkpoint(self, path: str | os.PathLike[str]) -> int:
        """Write the folded state, for ``open(checkpoint=path)``; the bytes written."""
        with (state := self.state).lock:
            state.heal_all()
            return write_checkpoint(path, state.fold, self.state.journal.files)

    def projection(self, name: str) -> Projection:
        """One of the projections by name, your own ones included; rebuilt first where it is behind.

        Raises ``InvalidInput`` for a name that none has.
        """
        fold = self.state.fold
        found = {projection.name: projection for projection in fold.projections}
        if name not in found:
            raise InvalidInput("no projection of that name", name=name, known=sorted(found))
        with self.state.lock:
            fold.heal_one(found[name])
        return found[name]

    def check(self) -> None:
        """Assert every invariant of every projection; costs a pass over the state."""
        with (state := self.state).lock:
            state.heal_all()
            for projection in state.fold.projections:
                projection.check()

    def close(self) -> None:
        """Release the file. Writes are refused from now on; reads of what is in memory still answer."""
        with self.state.lock:
            self.writer.closed = _refuse_closed
            if self.state.journal.store is not None:
                self.state.journal.store.close()

    def __enter__(self) -> VectorDB:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"VectorDB(head={self.head}, views={self.views()})"


def _refuse_closed() -> None:
    raise ClosedLedger("a closed database takes no writes")
