"""The JSON Lines store: one file, appended to by one process, followed by any number."""

from __future__ import annotations

import copy
import os
import stat
import time
import weakref
from collections.abc import Iterator
from contextlib import suppress
from errno import ENOENT
from typing import Any, Final

from ledger.errors import (
    ClosedLedger,
    ForkedProcess,
    InvalidInput,
    LedgerLocked,
    LedgerReplaced,
    LineTooLong,
    ReadOnlyLedger,
    StoreError,
    WriteFailed,
)
from ledger.storage.file_lock import FileLock
from ledger.storage.files import APPEND, CREATE, FILES, READ, Files

BATCH_BYTES: Final = 1 << 20
MAX_LINE_BYTES: Final = 1 << 27
FSYNC_POLICIES: Final = ("never", "interval", "always")
FSYNC_INTERVAL_S: Final = 1.0
CHECK_INTERVAL_S: Final = 1.0


class JsonlStore:
    """Lines in a file. ``fsync`` says when a line survives a power cut.

    never: handed to the operating system at once (survives a kill, not a power cut). interval: synced by
    the first append a second or more after the last sync, and at close. always: synced before every
    append returns.

    A sync that fails tells nothing of what it should have synced, and the next one may pass although that never
    reached the disk: the kernel drops what it could not write, and reports it once. So its line is cut off and refused,
    and the store goes on only where all lines before it had been synced; where some had not (interval), it takes no
    more lines, and a ``snapshot`` writes what is in memory to another disk. A refused line may be there again after a
    power cut that comes before the next sync.

    A file that was replaced, removed, or changed in length by somebody else takes no more lines. It is looked at
    before an append once in a second, and before every rewriting.
    """

    _fd = -1  # closed, or not yet open
    _finalizer: weakref.finalize[Any, Any] | None = None

    def __init__(
        self, path: str | os.PathLike[str], *, fsync: str = "never", read_only: bool = False, files: Files = FILES
    ) -> None:
        if fsync not in FSYNC_POLICIES:
            raise InvalidInput(f"fsync is one of {', '.join(FSYNC_POLICIES)}", fsync=fsync)
        self.path = os.path.realpath(path)  # one ledger, one lock, whatever it is called and wherever we stand
        self.fsync = fsync
        self.files = files
        self.broken: dict[str, str] = {}  # rule and error of what ended all writing
        self.end = 0
        self._synced = 0  # what comes before it was on the disk at the last sync
        self._sync_failed = False
        self._pid = os.getpid()
        self._synced_at = self._checked_at = time.monotonic()
        self._refuse_other_kinds()
        self._lock = None if read_only else FileLock(self.path, files)
        try:
            self._fd = files.open(self.path, READ if read_only else APPEND | CREATE)
        except BaseException:
            self._release()
            raise

    def _refuse_other_kinds(self) -> None:
        """Before anything is opened: a pipe would wait for a writer, and a device have a lock file beside it."""
        try:
            mode = self.files.stat(self.path).st_mode
        except FileNotFoundError:
            self._refuse_missing_folder()
            return
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(f"a ledger is a file, not a folder: {self.path!r}")
        if not stat.S_ISREG(mode):
            raise StoreError("a ledger is a regular file", path=self.path, mode=stat.filemode(mode))

    def _refuse_missing_folder(self) -> None:
        folder = os.path.dirname(self.path)
        try:
            self.files.stat(folder)
        except FileNotFoundError:
            rule = "a ledger is kept in a folder that is there: make it first"
            raise FileNotFoundError(ENOENT, rule, folder) from None

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
        return self.files.fstat(self._open_fd()).st_size

    def append(self, line: bytes, expected_head: int = 0) -> int:
        """Write one line; the position where it begins.

        A failed line is cut off again and ``WriteFailed`` raised; when even that fails, the store takes
        no more lines. ``expected_head`` needs no check here: the lock makes this process the only writer.
        """
        self.check_writable()
        position = self.end
        try:
            self.files.write_all(self._fd, line)
            if self.fsync != "never":
                self._sync_by_policy(position + len(line))
            self.end = position + len(line)
        except BaseException as error:
            if self.end == position:
                self._cut_failed(position, error)
            raise  # an interrupt after the line was counted: it stands
        return position

    def check_writable(self) -> None:
        """Refuse a write to a closed, read-only, broken or replaced store, and one from a forked child."""
        self._open_fd()
        if self._lock is None:
            raise ReadOnlyLedger("a ledger opened read_only takes no writes", path=self.path)
        if self.broken:
            raise ReadOnlyLedger(self.broken["rule"], path=self.path, error=self.broken["error"])
        if os.getpid() != self._pid:
            raise ForkedProcess(
                "a forked child does not write its parent's ledger", opened_by=self._pid, pid=os.getpid()
            )
        if time.monotonic() - self._checked_at >= CHECK_INTERVAL_S:
            self.check_in_place()

    def check_in_place(self) -> None:
        """Refuse to write to a file that the path no longer names, or that somebody else wrote to, cut, or locked."""
        try:
            now = self.files.stat(self.path)
            mine = self.files.fstat(self._open_fd())
            if self._lock is not None:
                self._lock.keep()
        except LedgerLocked:
            raise
        except FileNotFoundError as error:
            raise LedgerReplaced("the file of a ledger that is written stays at its path", path=self.path) from error
        except OSError as error:
            raise WriteFailed("a file that is written can be looked at", path=self.path, error=str(error)) from error
        if (now.st_dev, now.st_ino) != (mine.st_dev, mine.st_ino):
            raise LedgerReplaced("the file of a ledger that is written stays at its path", path=self.path)
        if mine.st_size != self.end:
            rule = "nobody else writes to the file of a ledger, or cuts it"
            raise LedgerReplaced(rule, path=self.path, size=mine.st_size, expected=self.end)
        self._checked_at = time.monotonic()

    def _sync_by_policy(self, end: int) -> None:
        if self.fsync == "always" or time.monotonic() - self._synced_at >= FSYNC_INTERVAL_S:
            self._sync(end)

    def _sync(self, end: int) -> None:
        try:
            self.files.fsync(self._open_fd())
        except OSError:
            self._sync_failed = True
            raise
        self._synced = end
        self._synced_at = time.monotonic()

    def _cut_failed(self, position: int, error: BaseException) -> None:
        """Cut a failed line off; raise ``WriteFailed`` where the system refused it."""
        try:
            self.files.ftruncate(self._fd, position)
        except BaseException as second:
            self._break("a failed line could not be cut off again", second)
            if not isinstance(second, OSError):
                raise
        else:
            if self._sync_failed:
                self._after_failed_sync(position)
        if isinstance(error, OSError):
            raise WriteFailed("a line is written whole or not at all", path=self.path, error=str(error)) from error

    def _after_failed_sync(self, position: int) -> None:
        """The line is cut off. Try to have that on the disk too; go on only where nothing else was to be synced."""
        self._sync_failed = False
        if self._synced < position:
            self._break("a sync that failed may have lost lines that came before it", OSError("not synced"))
            return
        with suppress(OSError):  # the next append syncs again, or is refused
            self.files.fsync(self._fd)

    def _break(self, rule: str, error: BaseException) -> None:
        self.broken = {"rule": rule, "error": str(error) or repr(error)}

    def read(self, position: int = 0) -> Iterator[tuple[int, list[bytes]]]:
        """Complete lines from a position on, about a megabyte a batch; a torn tail is left out."""
        parts: list[bytes] = []  # of a line longer than what was read
        begin = position
        while data := self._pread(BATCH_BYTES, position):
            position += len(data)
            end = data.rfind(b"\n") + 1
            if end == 0:
                parts.append(data)
                if position - begin > MAX_LINE_BYTES:
                    raise LineTooLong("a line is at most 128 MiB long", path=self.path, position=begin)
                continue
            whole = b"".join([*parts, data[:end]])
            parts = [data[end:]]
            yield begin, split_lines(whole)
            begin += len(whole)
            self.end = max(self.end, begin)

    def _pread(self, size: int, position: int) -> bytes:
        """Bytes of the file. Closed meanwhile, its descriptor may be another file's: then what was read is nothing."""
        fd = self._open_fd()
        try:
            data = self.files.pread(fd, size, position)
        except OSError:
            self._open_fd()
            raise
        if fd != self._fd:
            self._open_fd()
        return data

    def line(self, position: int) -> bytes:
        """The line at a position."""
        size = 4096
        while True:
            data = self._pread(size, position)
            end = data.find(b"\n")
            if end >= 0 or len(data) < size:
                return data[: end + 1]
            size *= 8

    def ends_so(self, position: int, end: bytes) -> bool:
        """Whether the line that ended at a position ends there still, and in these bytes."""
        return self.files.pread(self._open_fd(), len(end), position - len(end)) == end

    def ahead(self, position: int) -> tuple[int, bytes]:
        """How many complete lines stand from a position on, and the first of them; reads what is there."""
        count, first = 0, b""
        for _, lines in copy.copy(self).read(position):  # a copy: this one's end stays where it is
            first = first or lines[0]
            count += len(lines)
        return count, first

    def tail(self) -> bytes:
        """The bytes after the last complete line."""
        return self._pread(max(0, self.size - self.end), self.end)

    def truncate(self, position: int) -> None:
        """Cut everything from a position on."""
        self.files.ftruncate(self._open_fd(), position)
        self.end = position

    def was_replaced(self) -> bool:
        """Whether the path now names another file, or a shorter one, than this store reads."""
        try:
            now = self.files.stat(self.path)
        except FileNotFoundError:
            return True
        mine = self.files.fstat(self._open_fd())
        return (now.st_dev, now.st_ino) != (mine.st_dev, mine.st_ino) or now.st_size < self.end

    def may_be_replaced(self) -> bool:
        """Whether the path names another file, for all that is known."""
        try:
            return self.was_replaced()
        except OSError:
            return True

    def sync(self) -> None:
        """fsync the file. An ``OSError`` leaves it unknown what is on the disk: see the class."""
        try:
            self._sync(self.end)
        except OSError:
            self._after_failed_sync(self.end)
            raise

    def close(self) -> None:
        """Sync (unless the policy is never) and release file and lock; a second call does nothing.

        ``OSError`` where the sync or the closing failed: file and lock are released all the same, and what came after
        the last sync may not survive a power cut.
        """
        if self._fd < 0:
            return
        try:
            if self.writable and self.fsync != "never" and os.getpid() == self._pid:
                self._sync(self.end)
        finally:
            if self._finalizer is not None:
                self._finalizer.detach()
            fd, self._fd = self._fd, -1  # first: a close that fails has given it back all the same
            try:
                self.files.close(fd)
            finally:
                self._release()

    def close_when_unused(self) -> None:
        """Keep the file open for as long as somebody still reads from it: a lazy past of a replaced file."""
        self._finalizer = weakref.finalize(self, self.files.close, self._fd)

    def reopened(self, synced: int = 0) -> JsonlStore:
        """The store of the file that now stands at the path, with this store's lock; this one only reads on.

        ``synced`` are the bytes of lines in it that are on the disk, and known.
        It keeps the old file open for as long as somebody reads from it: a fork of a lazy ledger.
        """
        fresh = copy.copy(self)
        fresh._fd = self.files.open(self.path, APPEND)
        fresh.end = fresh._synced = synced
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


def split_lines(data: bytes) -> list[bytes]:
    """Whole lines. They end at a newline and nowhere else; ``bytes.splitlines`` would also cut at a carriage return."""
    if b"\r" not in data:
        return data.splitlines(keepends=True)
    return [line + b"\n" for line in data.split(b"\n")[:-1]]
