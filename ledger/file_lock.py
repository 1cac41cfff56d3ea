"""A lock between processes: one writer a ledger, by a lock on a sidecar file."""

from __future__ import annotations

import os
from types import ModuleType
from typing import Any

from ledger.errors import LedgerLocked

_fcntl: ModuleType | None
try:
    import fcntl as _fcntl
except ImportError:  # Windows has msvcrt instead
    _fcntl = None


class FileLock:
    """An exclusive lock on ``<path>.lock``, held until ``release`` or the end of the process.

    The lock belongs to the open file, not to its existence: a lock file left by a killed process locks
    nothing.
    """

    def __init__(self, path: str) -> None:
        self.path = f"{path}.lock"
        self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
        try:
            _lock(self._fd)
        except OSError as error:
            os.close(self._fd)
            raise LedgerLocked("one process writes a ledger", path=path, lock=self.path) from error

    def release(self) -> None:
        """Let another process write."""
        if self._fd >= 0:
            os.close(self._fd)  # closing releases it
            self._fd = -1


def _lock(fd: int) -> None:
    if _fcntl is not None:
        _fcntl.flock(fd, _fcntl.LOCK_EX | _fcntl.LOCK_NB)
        return
    import msvcrt  # pragma: no cover - Windows only

    locking: Any = msvcrt  # pragma: no cover
    locking.locking(fd, locking.LK_NBLCK, 1)  # pragma: no cover
