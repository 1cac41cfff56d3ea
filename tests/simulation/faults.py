"""Faults as operations of a workload: a full or broken disk refuses a write, and nothing is different after it."""

from __future__ import annotations

import os
from collections import Counter
from errno import EIO, ENOSPC
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ledger import Files, LogCompacted
from tests.simulation.erasing import told_compacted, told_erased
from tests.simulation.reopening import reopen
from vectordb import ReadOnlyLedger, WriteFailed

if TYPE_CHECKING:
    from tests.simulation.workload import Workload

REWRITING = ("open", "write", "fsync", "replace", "chmod", "stat", "fstat")


class BadFiles(Files):
    """Files that fail on demand: the n-th of a call from now on; ``short`` bytes of a write go through first."""

    def __init__(self) -> None:
        self.left: dict[str, int] = {}
        self.short = 0
        self.error = EIO
        self.failed: Counter[str] = Counter()

    def fail(self, error: int, short: int = 0, **calls: int) -> None:
        """The n-th of these calls from now on raises."""
        self.left, self.short, self.error = dict(calls), short, error

    def heal(self) -> None:
        """Nothing fails any more."""
        self.left = {}

    def _met(self, call: str) -> bool:
        left = self.left.get(call, 0)
        if left:
            self.left[call] = left - 1
        return left == 1

    def _check(self, call: str) -> None:
        if self._met(call):
            self.failed[call] += 1
            raise OSError(self.error, os.strerror(self.error))

    def write(self, fd: int, data: Any) -> int:  # type: ignore[override]
        """A short write is told first, as the system does; the rest of it fails."""
        if self._met("write"):
            if 0 < self.short < len(data):
                self.left["write"] = 1
                return os.write(fd, memoryview(data)[: self.short])
            self.failed["write"] += 1
            raise OSError(self.error, os.strerror(self.error))
        return os.write(fd, data)


def _failing(call: str) -> Any:
    whole = getattr(Files, call)

    def tried(self: BadFiles, *arguments: Any) -> Any:
        self._check(call)
        return whole(self, *arguments)

    return tried


for _call in ("open", "fsync", "replace", "chmod", "stat", "fstat", "ftruncate"):
    setattr(BadFiles, _call, _failing(_call))


def fault(work: Workload) -> None:
    """One line that cannot be written whole; now and then not even cut off again, until the file is opened anew."""
    view, entity = work.pick()
    values, before, size = work.values(view, False), (work.db.head, work.db.digest()), os.path.getsize(str(work.path))
    cut = {"ftruncate": 1} if work.random.random() < 0.3 else {}
    work.files.fail(work.random.choice((ENOSPC, EIO)), work.random.choice((0, 1, 40)), write=1, **cut)
    writes = (
        lambda: work.db.view(view).put(entity, values),
        lambda: work.db.view(view).put_many([{"thing": entity, **values}]),
        lambda: work.db.mark(f"fault-{work.db.head}"),
    )
    with pytest.raises(WriteFailed):
        work.random.choice(writes)()
    assert (work.db.head, work.db.digest()) == before
    if cut:
        with pytest.raises(ReadOnlyLedger):
            work.db.mark("refused")
        reopen(work)
    assert os.path.getsize(str(work.path)) == size
    work.files.heal()
    for other in work.views:
        work.note(other, entity, "fault")


def fault_in_rewriting(work: Workload) -> None:
    """An erasure or a compaction that some step of the new file fails: before the rename it never was, after it is."""
    view = work.random.choice(work.views)
    known = [entity for entity in work.entities if work.model.stories.get((view, entity))]
    first, last = work.pruned + 1, work.db.head - 1
    is_erasure = bool(known) and (work.random.random() < 0.6 or last <= first)
    if not known or last <= first:
        return
    gone, below = [work.random.choice(known)], work.random.randint(first, (first + last) // 2)
    digest, head = work.db.digest(), work.db.head
    work.files.fail(EIO, **{work.random.choice(REWRITING): work.random.choice((1, 1, 2, 3))})
    try:
        work.db.erase(view, gone, reason="fault") if is_erasure else work.db.compact(below=below)
    except OSError:
        work.files.heal()
        if work.db.head == head and work.db.digest() == digest and work.random.random() < 0.5 and _writes(work):
            return
        reopen(work, expect=None)
    work.files.heal()
    assert work.db.digest(head) == digest
    assert not list(Path(str(work.path)).parent.glob("*.tmp"))
    if work.db.head > head:
        time = work.now()
        if is_erasure:
            told_erased(work, view, gone, time)
        else:
            assert isinstance(work.db.event(work.db.head).fact, LogCompacted)
            told_compacted(work, below, time)


def _writes(work: Workload) -> bool:
    """Whether the database goes on as if nothing had happened: then nothing had."""
    try:
        work.db.mark(f"after-{work.db.head}")
    except ReadOnlyLedger:
        return False
    work.model.other(work.now())
    return True
