"""A follower: a thread that keeps a database up with what others write."""

from __future__ import annotations

from threading import Event as Flag
from threading import Thread
from types import TracebackType
from typing import TYPE_CHECKING

from ledger import ClosedLedger
from vectordb.persistence.refreshing import check_following

if TYPE_CHECKING:
    from vectordb.database import VectorDB


class Follower:
    """Refreshes a database until ``stop``; a context manager too. Made by ``db.follow``.

    ``refreshes`` counts those that went through; ``error`` is what stopped the last one, None where it went through.
    """

    def __init__(self, db: VectorDB, interval: float) -> None:
        check_following(db, interval=interval)
        self._db = db
        self.interval = interval
        self.refreshes = 0
        self.error: Exception | None = None
        self._stopped = Flag()
        self._thread = Thread(target=self._run, name="vectordb-follower", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether it goes on: it was not stopped, and its database not closed."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """End it, and wait for the refresh under way; a second call does nothing."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._db.refresh()
                self.refreshes += 1
                self.error = None
            except ClosedLedger as error:
                self.error = error
                return
            except Exception as error:  # the next one tries again; whoever asks finds it here
                self.error = error
            self._stopped.wait(self.interval)

    def __enter__(self) -> Follower:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
