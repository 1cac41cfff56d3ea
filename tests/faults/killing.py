"""Killing writers at random moments, and what must be there after each kill."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.house.source import ROOT
from vectordb import VectorDB
from vectordb.testing import state_of

MODES = ("write", "write in pieces", "snapshot", "checkpoint", "erase", "compact")
POLICIES = ("never", "interval", "always")
Counts = dict[tuple[str, str], Counter[str]]  # by mode and policy


class Killer:
    """Starts writers on ledgers in a folder, kills each at a random moment, and checks what is left."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.draw = random.Random(seed)
        self.counts: Counts = {}
        self._ledgers: dict[str, tuple[Path, int]] = {}
        command = [sys.executable, "-m", "tests.faults.victim"]
        self._victims = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)

    def __enter__(self) -> Killer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._victims.stdin is not None and self._victims.stdout is not None
        self._victims.stdin.close()
        self._victims.wait(60)
        self._victims.stdout.close()

    def kill_many(self, kills: int) -> None:
        """Every mode and every policy in turn."""
        for number in range(kills):
            self.kill(MODES[number % len(MODES)], POLICIES[(number + number // len(MODES)) % len(POLICIES)])

    def kill(self, mode: str, policy: str) -> None:
        """One kill of one writer, and every check after it."""
        path = self._ledger(mode)
        lazy = self.draw.random() < 0.3
        acks, erased = self._strike({"path": str(path), "mode": mode, "fsync": policy, "lazy": lazy})
        counts = self.counts.setdefault((mode, policy), Counter())
        counts["kills"] += 1
        counts["acknowledged"] += len(acks)
        self._examine(path, acks, erased, counts)

    def _ledger(self, mode: str) -> Path:
        """One that was killed some times already, then another one."""
        path, uses = self._ledgers.get(mode, (Path(), 6))
        if uses >= 6:
            path, uses = self.folder / f"ledger{self.draw.randrange(1 << 40)}.jsonl", 0
        self._ledgers[mode] = path, uses + 1
        return path

    # -- the kill --------------------------------------------------------------------------------------

    def _strike(self, task: dict[str, Any]) -> tuple[list[tuple[int, str]], list[str]]:
        """Start one, wait for a random number of its writes and some microseconds, kill it; what it had said."""
        pid = self.start(task)
        wanted, heard = self.draw.choice([0, 1, self.draw.randrange(60)]), 0
        said: list[str] = []
        while heard < wanted:
            said.append(self._hear())
            heard += said[-1].startswith("ack")
        until = time.perf_counter() + self.draw.random() * self.draw.choice([0.0, 0.001, 0.02])
        while time.perf_counter() < until:
            pass
        return self.finish(pid, said)

    def start(self, task: dict[str, Any]) -> int:
        """Start a task; the process id."""
        assert self._victims.stdin is not None
        self._victims.stdin.write(json.dumps({**task, "seed": self.draw.randrange(1 << 40)}).encode() + b"\n")
        self._victims.stdin.flush()
        return int(self._hear().removeprefix("pid "))

    def finish(self, pid: int, said: list[str]) -> tuple[list[tuple[int, str]], list[str]]:
        """Kill it; the writes that it acknowledged, and the entities whose erasure it did."""
        os.kill(pid, signal.SIGKILL)
        while (line := self._hear()) != "dead":
            said.append(line)
        acks = [(int(line.split()[1]), line.split()[2]) for line in said if line.startswith("ack ")]
        return acks, [line.split()[1] for line in said if line.startswith("erased ")]

    def _hear(self) -> str:
        assert self._victims.stdout is not None
        line = self._victims.stdout.readline().decode().rstrip("\n")
        if line.startswith("failed ") or not line:
            raise AssertionError(line and json.loads(line.removeprefix("failed ")))
        return line

    # -- after it ----------------------------------------------------------------------------------------

    def _examine(self, path: Path, acks: list[tuple[int, str]], erased: list[str], counts: Counter[str]) -> None:
        if not path.exists():
            assert not acks
            return
        data = path.read_bytes()
        torn = len(data) - data.rfind(b"\n") - 1
        with VectorDB.open(path, auto_index=False) as db:  # the lock is free
            assert db.opened.torn_bytes == torn, (db.opened, torn)
            last = acks[-1][0] if acks else db.head
            assert last <= db.head and (not acks or db.head <= last + 1), (last, db.head)
            assert all(db.digest(offset) == digest for offset, digest in acks)
            db.check()
            self._examine_erased(db, path, erased)
            with VectorDB.replay(path) as fresh:
                assert (fresh.digest(), state_of(fresh)) == (db.digest(), state_of(db))
        counts["found"] += sum(offset <= db.head for offset, _ in acks)  # ints
        counts["unacknowledged, whole"] += db.head - last
        counts["torn tails"] += torn > 0
        counts["left over"] += self._examine_copies(path)

    def _examine_erased(self, db: VectorDB, path: Path, erased: list[str]) -> None:
        """The last erasure holds, unless the entity was written again."""
        for entity in erased[-1:]:
            needle = f'"{entity}"'.encode()
            written = [event for event in db.events() if event.type not in ("redacted", "entity_erased")]
            again = any(needle in db.state.journal.line(event.offset) for event in written)
            assert again or needle not in path.read_bytes()

    def _examine_copies(self, path: Path) -> int:
        """Copies are whole; what a killed rewriting left beside the ledger is gone. How many temporary files stay."""
        assert [found.name for found in path.parent.glob(f"{path.name}.*.tmp") if ".copy." not in found.name
                and ".checkpoint." not in found.name] == []  # fmt: skip
        copy, checkpoint = path.with_name(f"{path.name}.copy"), path.with_name(f"{path.name}.checkpoint")
        if copy.exists():
            assert copy.read_bytes() == path.read_bytes()[: copy.stat().st_size]
            VectorDB.replay(copy).close()
        if checkpoint.exists():
            with VectorDB.open(path, checkpoint=checkpoint, read_only=True) as db:
                assert db.opened.checkpoint > 0
                db.check()
        left = list(path.parent.glob(f"{path.name}.*.tmp"))
        for found in left:
            found.unlink()
        return len(left)


def table(counts: Counts) -> str:
    """Markdown: a row a mode and policy, and the sums."""
    names = ("kills", "acknowledged", "found", "unacknowledged, whole", "torn tails", "left over")
    total: Counter[str] = Counter()
    rows = [f"| killed while | fsync | {' | '.join(names)} |", f"|---|---|{'---:|' * len(names)}"]
    for (mode, policy), found in sorted(counts.items()):
        rows.append(f"| {mode} | {policy} | {' | '.join(f'{found[name]:,}' for name in names)} |")
        total.update(found)
    rows.append(f"| all | | {' | '.join(f'{total[name]:,}' for name in names)} |")
    return "\n".join(rows)
