"""A lock between processes: one writer a ledger, by a lock on a sidecar file."""

from __future__ import annotations

from errno import EACCES, EAGAIN, EDEADLK
from typing import Final

from ledger.errors import LedgerLocked
from ledger.files import APPEND, CREATE, FILES, Files

TAKEN: Final = (EAGAIN, EACCES, EDEADLK)  # what systems answer when somebody else has it


class FileLock:
    """An exclusive lock on ``<path>.lock``, held until ``release`` or the end of the process.

    The lock belongs to the open file, not to its existence: a lock file left by a killed process locks
    nothing.
    """

    def __init__(self, path: str, files: Files = FILES) -> None:
        self.path = f"{path}.lock"
        self._files = files
        self._fd = files.open(self.path, APPEND | CREATE)
        try:
            files.lock(self._fd)
        except OSError as error:
            self.release()
            if error.errno not in TAKEN:
                raise
            raise LedgerLocked("one process writes a ledger", path=path, lock=self.path) from error
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Let another process write."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1  # first: a close that fails has given it back all the same
            self._files.close(fd)  # closing releases it
