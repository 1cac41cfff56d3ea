"""A refresher: has a served database read its file or shared ledger again every so often."""

from __future__ import annotations

import logging
from threading import Lock
from time import monotonic

from ledger import InvalidInput, ReadOnlyLedger, free_in_children
from vectordb.database import VectorDB
from vectordb.persistence.refreshing import check_following

logger = logging.getLogger("vectordb.serving")


class Refresher:
    """Calls ``refresh`` at most once in so many seconds, by one thread at a time; others read what is there.

    What stops a refresh (damage, a file that is gone) is logged and counted, and makes the application not ready;
    what was read before is served on.
    """

    def __init__(self, db: VectorDB, seconds: float) -> None:
        try:
            check_following(db, zero=True, refresh_seconds=seconds)
        except ReadOnlyLedger as error:  # it is not the database that is wrong here, but to ask for refreshes
            raise InvalidInput(error.rule, refresh_seconds=seconds) from error
        self._db = db
        self._seconds = seconds
        self._lock = free_in_children(Lock())
        self._next = 0.0
        self._refreshed = monotonic()
        self.failures = 0
        self.failing = False

    @property
    def is_due(self) -> bool:
        """Whether the next ``touch`` refreshes."""
        return monotonic() >= self._next and not self._lock.locked()

    def touch(self) -> None:
        """Refresh if it is time."""
        if monotonic() < self._next or not self._lock.acquire(blocking=False):
            return
        try:
            self._db.refresh()
            self._refreshed, self.failing = monotonic(), False
        except Exception as error:
            self.failures += 1
            self.failing = True
            logger.error("a follower could not read its file", exc_info=error)
        finally:
            self._next = monotonic() + self._seconds
            self._lock.release()

    @property
    def age_s(self) -> float:
        """Seconds since the last refresh."""
        return monotonic() - self._refreshed
