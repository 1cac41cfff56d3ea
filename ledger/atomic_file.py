"""A file that is there whole or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from ledger.files import FILES, NEW, Files

PIECE_BYTES: Final = 1 << 20  # that are written at a time


def write_atomically(
    path: str | os.PathLike[str], chunks: Iterable[bytes], like: str | None = None, files: Files = FILES
) -> int:
    """Write a file whole or not at all: temporary file, fsync, rename, fsync of the folder. Its size.

    It has the permissions of the file ``like``, where there is one. An error leaves the file that was there; only one
    of the folder's fsync comes when the new one is already in its place, and a power cut may still bring the old
    one back.
    """
    path = os.fspath(path)
    temporary = temporary_name(path)
    try:
        fd = files.open(temporary, NEW, 0o666)
        try:
            if like is not None:
                files.chmod(temporary, stat.S_IMODE(files.stat(like).st_mode))  # before there is something to read
            size = _write_chunks(files, fd, chunks)
            files.fsync(fd)
        finally:
            files.close(fd)
        files.replace(temporary, path)
    except BaseException:
        with suppress(OSError):  # what stopped it is what counts; it may never have been there
            files.remove(temporary)
        raise
    files.sync_folder(path)
    return size


def temporary_name(path: str) -> str:
    """A name beside a path that nobody else has."""
    return f"{path}.{os.getpid()}.{os.urandom(4).hex()}.tmp"


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
