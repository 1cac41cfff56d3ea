"""The JSON Lines store: one file, appended to by one process, followed by any number."""

from __future__ import annotations

import copy
import os
import shutil
import time
import weakref
from collections.abc import Iterator
from typing import Any, Final

from ledger.errors import ClosedLedger, ForkedProcess, LineTooLong, ReadOnlyLedger, WriteFailed
from ledger.file_lock import FileLock

BATCH_BYTES: Final = 1 << 20
MAX_LINE_BYTES: Final = 1 << 27
FSYNC_POLICIES: Final = ("never", "interval", "always")
FSYNC_INTERVAL_S: Final = 1.0


class JsonlStore:
    """Lines in a file. ``fsync`` says when a line survives a power cut.

    never: handed to the operating system at once (survives a kill, not a power cut). interval: synced by
    the first append a second or more after the last sync, and at close. always: synced before every
    append returns.
    """

    _fd = -1  # closed, or not yet open
    _finalizer: weakref.finalize[Any, Any] | None = None

    def __init__(self, path: str | os.PathLike[str], *, fsync: str = "never", read_only: bool = False) -> None:
        if fsync not in FSYNC_POLICIES:
            raise ValueError(f"fsync is one of {FSYNC_POLICIES}, not {fsync!r}")
        self.path = os.path.realpath(path)  # one ledger, one lock, whatever it is called and wherever we stand
        if os.path.isdir(self.path):
            raise IsADirectoryError(f"a ledger is a file, not a folder: {self.path!r}")
        self.fsync = fsync
        self.broken = ""
        self._pid = os.getpid()
        self._lock = None if read_only else FileLock(self.path)
        self._synced_at = time.monotonic()
        try:
            flags = os.O_RDONLY if read_only else os.O_RDWR | os.O_CREAT | os.O_APPEND
            self._fd = os.open(self.path, flags | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0), 0o644)
        except OSError:
            self._release()
            raise
        self.end = 0

    @property
    def writable(self) -> bool:
        """Whether lines can be appended."""
        return self._lock is not None and not self.broken

    @property
    def follows(self) -> bool:
        """Whether it was opened to read what another process writes."""
        return self._lock is None

    def after(self, position: int, line: bytes) -> int:
        """The position after a line: as many bytes further."""
        return position + len(line)

    @property
    def size(self) -> int:
        """Bytes in the file now."""
        return os.fstat(self._open_fd()).st_size

    def append(self, line: bytes, expected_head: int = 0) -> int:
        """Write one line; the position where it begins.

        A failed line is cut off again and ``WriteFailed`` raised; when even that fails, the store takes
        no more lines. ``expected_head`` needs no check here: the lock makes this process the only writer.
        """
        self.check_writable()
        position = self.end
        try:
            self._write(line)
            self._sync_by_policy()
            self.end = position + len(line)
        except OSError as error:
            self._cut_failed(position, error)
        except BaseException as error:  # an interrupt: the line stands whole, or not at all
            if self.end == position:
                self._cut_failed(position, error)
            raise
        return position

    def check_writable(self) -> None:
        """Refuse a write to a closed, read-only or broken store, and one from a forked child."""
        fd = self._open_fd()
        if self._lock is None:
            raise ReadOnlyLedger("a ledger opened read_only takes no writes", path=self.path)
        if self.broken:
            raise ReadOnlyLedger("a failed line could not be cut off again", path=self.path, error=self.broken, fd=fd)
        if os.getpid() != self._pid:
            raise ForkedProcess(
                "a forked child does not write its parent's ledger", opened_by=self._pid, pid=os.getpid()
            )

    def _write(self, line: bytes) -> None:
        rest = memoryview(line)
        while rest:
            rest = rest[os.write(self._fd, rest) :]

    def _sync_by_policy(self) -> None:
        if self.fsync == "never":
            return
        if self.fsync == "always" or time.monotonic() - self._synced_at >= FSYNC_INTERVAL_S:
            self.sync()

    def _cut_failed(self, position: int, error: BaseException) -> None:
        try:
            os.ftruncate(self._fd, position)
        except OSError as second:
            self.broken = str(second)
        if not isinstance(error, OSError):
            raise error
        raise WriteFailed("a line is written whole or not at all", path=self.path, error=str(error)) from error

    def read(self, position: int = 0) -> Iterator[tuple[int, list[bytes]]]:
        """Complete lines from a position on, about a megabyte a batch; a torn tail is left out."""
        parts: list[bytes] = []  # of a line longer than what was read
        begin = position
        while data := os.pread(self._open_fd(), BATCH_BYTES, position):
            position += len(data)
            end = data.rfind(b"\n") + 1
            if end == 0:
                parts.append(data)
                if position - begin > MAX_LINE_BYTES:
                    raise LineTooLong("a line is at most 128 MiB long", path=self.path, position=begin)
                continue
            whole = b"".join([*parts, data[:end]])
            parts = [data[end:]]
            yield begin, whole.splitlines(keepends=True) if b"\r" not in whole else _split_lines(whole)
            begin += len(whole)
            self.end = max(self.end, begin)

    def line(self, position: int) -> bytes:
        """The line at a position."""
        size = 4096
        while True:
            data = os.pread(self._open_fd(), size, position)
            end = data.find(b"\n")
            if end >= 0 or len(data) < size:
                return data[: end + 1]
            size *= 8

    def ahead(self, position: int) -> tuple[int, bytes]:
        """How many complete lines stand from a position on, and the first of them; reads what is there."""
        count, first = 0, b""
        for _, lines in copy.copy(self).read(position):  # a copy: this one's end stays where it is
            first = first or lines[0]
            count += len(lines)
        return count, first

    def tail(self) -> bytes:
        """The bytes after the last complete line."""
        return os.pread(self._open_fd(), max(0, self.size - self.end), self.end)

    def truncate(self, position: int) -> None:
        """Cut everything from a position on."""
        os.ftruncate(self._open_fd(), position)
        self.end = position

    def was_replaced(self) -> bool:
        """Whether the path now names another file, or a shorter one, than this store reads."""
        try:
            now = os.stat(self.path)
        except FileNotFoundError:
            return True
        mine = os.fstat(self._open_fd())
        return (now.st_dev, now.st_ino) != (mine.st_dev, mine.st_ino) or now.st_size < self.end

    def sync(self) -> None:
        """fsync the file."""
        os.fsync(self._open_fd())
        self._synced_at = time.monotonic()

    def close(self) -> None:
        """Sync (unless the policy is never) and release file and lock; a second call does nothing."""
        if self._fd < 0:
            return
        try:
            if self.writable and self.fsync != "never" and os.getpid() == self._pid:
                self.sync()
        finally:
            if self._finalizer is not None:
                self._finalizer.detach()
            os.close(self._fd)
            self._fd = -1
            self._release()

    def close_when_unused(self) -> None:
        """Keep the file open for as long as somebody still reads from it: a lazy past of a replaced file."""
        self._finalizer = weakref.finalize(self, os.close, self._fd)

    def reopened(self) -> JsonlStore:
        """The store of the file that now stands at the path, with this store's lock; this one only reads on.

        It keeps the old file open for as long as somebody reads from it: a fork of a lazy ledger.
        """
        fresh = copy.copy(self)
        flags = os.O_RDWR | os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        fresh._fd = os.open(self.path, flags)
        self._lock = None
        self.close_when_unused()
        return fresh

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()

    def _open_fd(self) -> int:
        if self._fd < 0:
            raise ClosedLedger("a closed ledger is neither read nor written", path=self.path)
        return self._fd


def _split_lines(data: bytes) -> list[bytes]:
    """Lines end at a newline and nowhere else; ``bytes.splitlines`` would also cut at a carriage return."""
    return [line + b"\n" for line in data.split(b"\n")[:-1]]


def sync_folder(path: str) -> None:
    """fsync the folder of a path, so that a rename in it survives a power cut (POSIX)."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    fd = os.open(os.path.dirname(os.path.abspath(path)), os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _for_owner(path: str, flags: int) -> int:
    """Writable by the owner alone, whatever the umask allows."""
    return os.open(path, flags, 0o644)


def write_atomically(path: str | os.PathLike[str], chunks: Iterator[bytes], like: str | None = None) -> int:
    """Write a file whole or not at all: temporary file, fsync, rename, fsync of the folder. Its size.

    It has the permissions of the file ``like``, where there is one.
    """
    path = os.fspath(path)
    temporary = f"{path}.{os.getpid()}.{os.urandom(4).hex()}.tmp"
    size = 0
    try:
        with open(temporary, "xb", opener=_for_owner) as file:
            if like is not None:
                shutil.copymode(like, temporary)  # before there is something to read
            for chunk in chunks:
                size += file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.remove(temporary)
        raise
    sync_folder(path)
    return size
