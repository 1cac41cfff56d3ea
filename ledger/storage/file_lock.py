"""A lock between processes: one writer a ledger, by a lock on a sidecar file."""

from __future__ import annotations

import os
from errno import EACCES, EAGAIN, EDEADLK
from typing import Final
from weakref import WeakSet

from ledger.errors import LedgerLocked
from ledger.storage.files import APPEND, CREATE, FILES, Files

TAKEN: Final = (EAGAIN, EACCES, EDEADLK)  # what systems answer when somebody else has it
HELD_RULE: Final = "this ledger is already open for writing, here or elsewhere: close it, or open with read_only=True"


class FileLock:
    """An exclusive lock on ``<path>.lock``, held until ``release`` or the end of the process.

    The lock belongs to the open file, not to its existence: a lock file left by a killed process locks
    nothing. A forked child does not hold its parent's: it may outlive the parent, and never writes.
    """

    def __init__(self, path: str, files: Files = FILES) -> None:
        self.path = f"{path}.lock"
        self._files = files
        self._ledger = path
        self._fd = self._taken()
        _HELD.add(self)

    def _taken(self) -> int:
        fd = self._files.open(self.path, APPEND | CREATE)
        try:
            self._files.lock(fd)
        except BaseException as error:
            self._files.close(fd)
            if isinstance(error, OSError) and error.errno in TAKEN:
                raise LedgerLocked(HELD_RULE, path=self._ledger, lock=self.path) from error
            raise
        return fd

    def keep(self) -> None:
        """Take it again where its file was removed (by a cleaner of old files); ``LedgerLocked`` if that is too late.

        Without its name the lock keeps nobody out.
        """
        mine = self._files.fstat(self._fd)
        try:
            now = self._files.stat(self.path)
            if (now.st_dev, now.st_ino) == (mine.st_dev, mine.st_ino):
                return
        except FileNotFoundError:
            pass  # it is made again
        fd = self._taken()
        self.release()
        self._fd = fd

    def release(self) -> None:
        """Let another process write."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1  # first: a close that fails has given it back all the same
            self._files.close(fd)  # closing releases it


_HELD: Final[WeakSet[FileLock]] = WeakSet()


def _let_go_in_child() -> None:
    for lock in list(_HELD):
        lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go_in_child)
