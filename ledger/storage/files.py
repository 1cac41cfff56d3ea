"""The operating system's calls for files: whatever keeps a ledger on a disk makes them here, so that each can fail."""

from __future__ import annotations

import os
from types import ModuleType
from typing import Any, Final

_fcntl: ModuleType | None
try:
    import fcntl as _fcntl
except ImportError:  # Windows has msvcrt instead
    _fcntl = None

_FLAGS: Final = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
READ: Final = os.O_RDONLY | _FLAGS
APPEND: Final = os.O_RDWR | os.O_APPEND | _FLAGS
CREATE: Final = os.O_CREAT
NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS
FOLDER: Final = READ | getattr(os, "O_DIRECTORY", 0)


class Files:
    """The calls that stores, locks, snapshots, checkpoints, exports and rewriting make; each raises ``OSError``.

    A subclass may fail any of them: that is how faults are tried. None is retried here: Python itself goes on after
    a signal (PEP 475).
    """

    write = staticmethod(os.write)  # no frame of ours: 40 ns of a put's 6 us

    def open(self, path: str, flags: int, mode: int = 0o644) -> int:
        """A descriptor of a file or a folder."""
        return os.open(path, flags, mode)

    def close(self, fd: int) -> None:
        """Give a descriptor back, with its lock."""
        os.close(fd)

    def write_all(self, fd: int, data: bytes) -> None:
        """Write all of it, in as many calls as it takes."""
        written = self.write(fd, data)
        if written < len(data):
            rest = memoryview(data)[written:]
            while rest:
                rest = rest[self.write(fd, rest) :]

    def pread(self, fd: int, size: int, position: int) -> bytes:
        """At most ``size`` bytes from a position on."""
        return os.pread(fd, size, position)

    def fsync(self, fd: int) -> None:
        """Return when what was written is on the disk."""
        os.fsync(fd)

    def ftruncate(self, fd: int, size: int) -> None:
        """Cut to a size in bytes."""
        os.ftruncate(fd, size)

    def fstat(self, fd: int) -> os.stat_result:
        """What is known of an open file."""
        return os.fstat(fd)

    def stat(self, path: str) -> os.stat_result:
        """What is known of the file at a path."""
        return os.stat(path)

    def chmod(self, path: str, mode: int) -> None:
        """Set permissions."""
        os.chmod(path, mode)

    def replace(self, source: str, target: str) -> None:
        """Rename, over what was there."""
        os.replace(source, target)

    def remove(self, path: str) -> None:
        """Remove a name."""
        os.remove(path)

    def lock(self, fd: int) -> None:
        """Lock an open file against every other process, or raise at once; ends with its descriptor."""
        if _fcntl is not None:
            _fcntl.flock(fd, _fcntl.LOCK_EX | _fcntl.LOCK_NB)
            return
        import msvcrt  # pragma: no cover - Windows only

        locking: Any = msvcrt  # pragma: no cover
        locking.locking(fd, locking.LK_NBLCK, 1)  # pragma: no cover

    def names(self, folder: str) -> list[str]:
        """What is in a folder."""
        return os.listdir(folder)

    def sync_file(self, path: str) -> int:
        """fsync a file that somebody else wrote; its size."""
        fd = self.open(path, APPEND)
        try:
            self.fsync(fd)
            return self.fstat(fd).st_size
        finally:
            self.close(fd)

    def sync_folder(self, path: str) -> None:
        """fsync the folder of a path, so that a name in it, or its absence, survives a power cut (POSIX)."""
        if not hasattr(os, "O_DIRECTORY"):
            return
        fd = self.open(os.path.dirname(os.path.abspath(path)), FOLDER)
        try:
            self.fsync(fd)
        finally:
            self.close(fd)


FILES: Final = Files()
