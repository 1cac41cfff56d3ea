"""A file that is there whole or not at all."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from ledger.storage.files import FILES, NEW, Files

PIECE_BYTES: Final = 1 << 16  # that are written at a time
TEMPORARY: Final = re.compile(r"\.(\d+)\.[0-9a-f]{8}\.tmp")


def write_atomically(
    path: str | os.PathLike[str], chunks: Iterable[bytes], like: str | None = None, files: Files = FILES
) -> int:
    """Write a file whole or not at all: temporary file, fsync, rename, fsync of the folder. Its size.

    It has the permissions of the file ``like``, where there is one. See ``replacing`` for errors.
    """
    with replacing(os.fspath(path), files) as temporary:
        fd = files.open(temporary, NEW, 0o644)  # for others to read at most, whatever the umask
        try:
            if like is not None:
                files.chmod(temporary, stat.S_IMODE(files.stat(like).st_mode))  # before there is something to read
            size = _write_chunks(files, fd, chunks)
            files.fsync(fd)
        finally:
            files.close(fd)
    return size


@contextmanager
def replacing(path: str, files: Files) -> Iterator[str]:
    """The name of a file to make, and to sync, which then takes the place of the one at a path.

    An error leaves the file that was there, and no other. Only one of the last step, the fsync of the folder, comes
    when the new file is in its place: a power cut may then still bring the old one back.
    """
    temporary = f"{path}.{os.getpid()}.{os.urandom(4).hex()}.tmp"
    try:
        yield temporary
        files.replace(temporary, path)
    except BaseException:
        with suppress(OSError):  # what stopped it is what counts; it may never have been there
            files.remove(temporary)
        raise
    files.sync_folder(path)


def remove_leftovers(path: str, files: Files = FILES) -> list[str]:
    """Remove what killed processes left beside a path of files that were to replace it; their paths.

    Such a file may hold what was erased from the ledger since. That of a process that runs stays.
    """
    folder, name = os.path.split(path)
    left = []
    with suppress(OSError):  # a folder that cannot be read, or changed: nothing depends on it
        for found in files.names(folder):
            match = TEMPORARY.fullmatch(found, len(name)) if found.startswith(name) else None
            if match and not _runs(int(match[1])):
                files.remove(os.path.join(folder, found))
                left.append(os.path.join(folder, found))
    return left


def _runs(pid: int) -> bool:
    """Whether a process of this machine has that id; true where the system cannot be asked without harm."""
    if not hasattr(os, "fork"):
        return True  # pragma: no cover - on Windows signal 0 would end it
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _write_chunks(files: Files, fd: int, chunks: Iterable[bytes]) -> int:
    size, waiting, held = 0, [], 0
    for chunk in chunks:
        waiting.append(chunk)
        held += len(chunk)
        if held >= PIECE_BYTES:
            files.write_all(fd, b"".join(waiting))
            size, waiting, held = size + held, [], 0
    if waiting:
        files.write_all(fd, b"".join(waiting))
    return size + held
