"""The file layer with faults: any call may fail, be interrupted, or write less than it was given."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ledger import Files, ManualClock
from tests.ledger.storage.samples import START
from vectordb import VectorDB
from vectordb.persistence.opening import Options, open_state

NO_SPACE = OSError(errno.ENOSPC, "No space left on device")
BROKEN_DISK = OSError(errno.EIO, "Input/output error")
NO_ACCESS = PermissionError(errno.EACCES, "Permission denied")
SIGNAL = InterruptedError(errno.EINTR, "Interrupted system call")


@dataclass
class Fault:
    """One call to come that fails: the ``call``-th of a kind (any kind for ""), before or after its work was done.

    A failing write keeps ``kept`` bytes of what it was given.
    """

    error: BaseException
    kind: str = ""
    call: int = 1
    after: bool = False
    kept: int = 0
    times: int = 1

    def is_due(self, kind: str) -> bool:
        """Whether this call fails."""
        if self.kind not in ("", kind) or not self.times:
            return False
        self.call -= 1
        if self.call > 0:
            return False
        self.times -= 1
        return True


class FaultyFiles(Files):
    """Calls the operating system, notes every call's kind in ``calls``, and fails those that ``fail`` named."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.faults: list[Fault] = []
        self.most: int | None = None  # bytes that one write takes
        self.failed = 0
        self.watch: Callable[[str], Any] = lambda kind: None  # told of every call before it is made

    def fail(self, kind: str, error: BaseException, call: int = 1, **options: Any) -> None:
        """Have the ``call``-th call of a kind from now on fail (any kind: "")."""
        self.faults.append(Fault(error, kind, call, **options))

    def heal(self) -> None:
        """No faults any more."""
        self.faults.clear()
        self.most = None
        self.watch = lambda kind: None

    def _call(self, kind: str, real: Callable[..., Any], *arguments: Any) -> Any:
        self.calls.append(kind)
        self.watch(kind)
        fault = self._due(kind)
        if fault is None:
            return real(*arguments)
        if fault.after or kind == "close":  # a close that fails has given the descriptor back all the same
            real(*arguments)
        elif kind == "write" and fault.kept:
            real(arguments[0], bytes(arguments[1][: fault.kept]))
        fault.error.__context__ = fault.error.__cause__ = None  # it may have been raised before
        raise fault.error.with_traceback(None)

    def _due(self, kind: str) -> Fault | None:
        due = [fault for fault in self.faults if fault.is_due(kind)]
        self.failed += len(due)
        return due[0] if due else None

    # -- the calls -----------------------------------------------------------------------------------

    def write(self, fd: int, data: Any) -> int:
        """At most ``most`` bytes."""
        return self._call("write", self._write, fd, data if self.most is None else data[: self.most])

    def _write(self, fd: int, data: Any) -> int:
        return os.write(fd, data)

    def open(self, path: str, flags: int, mode: int = 0o644) -> int:
        """See ``Files``; so are the others."""
        return self._call("open", super().open, path, flags, mode)

    def close(self, fd: int) -> None:
        self._call("close", super().close, fd)

    def pread(self, fd: int, size: int, position: int) -> bytes:
        return self._call("pread", super().pread, fd, size, position)

    def fsync(self, fd: int) -> None:
        self._call("fsync", super().fsync, fd)

    def ftruncate(self, fd: int, size: int) -> None:
        self._call("ftruncate", super().ftruncate, fd, size)

    def fstat(self, fd: int) -> os.stat_result:
        return self._call("fstat", super().fstat, fd)

    def stat(self, path: str) -> os.stat_result:
        return self._call("stat", super().stat, path)

    def chmod(self, path: str, mode: int) -> None:
        self._call("chmod", super().chmod, path, mode)

    def replace(self, source: str, target: str) -> None:
        self._call("replace", super().replace, source, target)

    def remove(self, path: str) -> None:
        self._call("remove", super().remove, path)

    def lock(self, fd: int) -> None:
        self._call("lock", super().lock, fd)


def opened(path: Any, files: Files, *, expect: Any = None, recover: bool = False, **options: Any) -> VectorDB:
    """``VectorDB.open`` with a file layer; the clock stands at the samples' start."""
    chosen = Options(options.pop("clock", None) or ManualClock(START), files=files, **options)
    return VectorDB._of(*open_state(path, chosen, (), expect, recover))
