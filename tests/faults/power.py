"""A disk that loses its power: what was synced is there; of the rest some pages, some bytes, some names, or nothing.

Every write, cut, rename and sync is followed in memory. After ``cut_power`` the folder holds what such a disk could
hold. A sync that fails drops the dirty pages, as Linux does: they count as clean, and the next sync passes without
them.
"""

from __future__ import annotations

import errno
import os
import random
from pathlib import Path
from typing import Any

from tests.faults.faulty_files import FaultyFiles

PAGE = 512  # bytes that reach a disk together; smaller than real ones, so that short ledgers have many


class Inode:
    """One file: its bytes now and on the disk, and the pages that only memory has."""

    def __init__(self, data: bytes = b"") -> None:
        self.now = bytearray(data)
        self.disk = bytearray(data)
        self.dirty: set[int] = set()

    def write(self, data: bytes) -> None:
        """Append."""
        first = len(self.now) // PAGE
        self.now += data
        self.dirty.update(range(first, len(self.now) // PAGE + 1))

    def cut(self, size: int) -> None:
        """Shorten; the last page that stays is written anew."""
        del self.now[size:]
        self.dirty = {page for page in self.dirty if page * PAGE < size} | {size // PAGE}

    def sync(self) -> None:
        """All dirty pages, and the length."""
        self.disk = bytearray(self.mixed(self.dirty, len(self.now)))
        self.dirty.clear()

    def mixed(self, pages: set[int], size: int) -> bytes:
        """A file of a size whose given pages are those of memory, and all others those of the disk."""
        found = bytearray(self.disk[:size].ljust(size, b"\0"))
        for page in pages:
            start = page * PAGE
            part = self.now[start : min(start + PAGE, size)]
            found[start : start + len(part)] = part
        return bytes(found[:size])

    def after_a_cut(self, draw: random.Random) -> bytes:
        """What is left: all, nothing or some of the dirty pages, in any order; lengths between the two."""
        small, large = sorted((len(self.disk), len(self.now)))
        size = draw.choice([len(self.disk), len(self.now), draw.randint(small, large)])
        if draw.random() < 0.5:  # in order, torn at any byte
            stop = size // PAGE
            return self.mixed({page for page in self.dirty if page <= stop}, size)
        return self.mixed({page for page in self.dirty if draw.random() < 0.5}, size)


class FailingPower(FaultyFiles):
    """The file layer over such a disk. Its files are really there, for whoever reads them."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.inodes = {str(path): Inode(path.read_bytes()) for path in folder.iterdir()}
        self.synced = dict(self.inodes)  # names that are on the disk
        self.changes: list[tuple[str, Inode | None]] = []  # of names, since the folder was synced
        self._open: dict[int, Inode | None] = {}  # None: the folder

    def cut_power(self, draw: random.Random) -> None:
        """Leave in the folder what was on the disk, and some of what was not. Names change in their order."""
        names = dict(self.synced)
        for path, inode in self.changes[: draw.randint(0, len(self.changes))]:
            if inode is None:
                names.pop(path, None)
            else:
                names[path] = inode
        for path in self.inodes:
            os.remove(path)
        for path, inode in names.items():
            Path(path).write_bytes(inode.after_a_cut(draw))

    def open(self, path: str, flags: int, mode: int = 0o644) -> int:
        fd = super().open(path, flags, mode)
        if os.path.isdir(path):
            self._open[fd] = None
            return fd
        if path not in self.inodes:
            self._name(path, Inode())
        self._open[fd] = self.inodes[path]
        return fd

    def _name(self, path: str, inode: Inode | None) -> None:
        self.changes.append((path, inode))
        if inode is None:
            del self.inodes[path]
        else:
            self.inodes[path] = inode

    def _write(self, fd: int, data: Any) -> int:
        written = os.write(fd, data)
        inode = self._open[fd]
        assert inode is not None
        inode.write(bytes(data[:written]))
        return written

    def ftruncate(self, fd: int, size: int) -> None:
        super().ftruncate(fd, size)
        inode = self._open[fd]
        assert inode is not None
        inode.cut(size)

    def fsync(self, fd: int) -> None:
        inode = self._open[fd]
        try:
            self._call("fsync", lambda: None)
        except OSError as error:
            if inode is not None and error.errno == errno.EIO:
                inode.dirty.clear()  # reported once, and forgotten
            raise
        if inode is None:
            self.synced, self.changes = dict(self.inodes), []
        else:
            inode.sync()

    def replace(self, source: str, target: str) -> None:
        super().replace(source, target)
        self._name(target, self.inodes[source])
        self._name(source, None)

    def remove(self, path: str) -> None:
        super().remove(path)
        self._name(path, None)
