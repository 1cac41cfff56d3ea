"""The processes that are killed: ``python -m tests.faults.victim`` forks one for each task that it reads.

It has no threads, so that a fork is safe, and imports once. A task is a line of JSON; the forked process says
``pid``, then works until it is killed and says each write after the call returned: ``ack <offset> <digest>``, and
``erased <entity>``. When it is dead, its parent says ``dead``.
"""

from __future__ import annotations

import json
import os
import random
import sys
import traceback
from typing import Any

from ledger import FILES, Files, system_clock
from vectordb import Int, Text, VectorDB
from vectordb.persistence.opening import Options, open_state

ROWS = 1_000  # of a large batch: a hundred kilobytes


class SmallWrites(Files):
    """A line takes many calls, so that a kill may come between two of them."""

    def write(self, fd: int, data: Any) -> int:
        """At most 100 bytes."""
        return os.write(fd, data[:100])


def say(text: str) -> None:
    """One line to whoever started us: at once, and whole."""
    os.write(1, f"{text}\n".encode())


def work(db: VectorDB, task: dict[str, Any]) -> None:
    """Write without end: mostly single writes, some batches, and between them what the task is about."""
    draw, mode = random.Random(task["seed"]), task["mode"]
    if "numbers" not in db.views():
        db.create_view("numbers", entity="number", features={"n": Int(), "t": Text()})
        acknowledge(db)
    while True:
        write(db, draw, ROWS if mode.startswith("write") else 30)
        acknowledge(db)
        if draw.random() < 0.3:
            extra(db, mode, task["path"], draw)


def acknowledge(db: VectorDB) -> None:
    """The last write has returned."""
    say(f"ack {db.head} {db.digest()}")


def write(db: VectorDB, draw: random.Random, rows: int) -> None:
    """One event."""
    view, entity, kind = db.view("numbers"), f"e{draw.randrange(200)}", draw.random()
    if kind < 0.7:
        view.put(entity, {"n": draw.randrange(1 << 40), "t": "x" * draw.randrange(200)})
    elif kind < 0.8:
        view.delete(entity)
    elif kind < 0.9:
        with db.transaction() as tx:
            tx.view("numbers").put(entity, {"n": 1})
            tx.view("numbers").put("common", {"n": 2})
    else:
        view.put_many({"number": [f"m{number}" for number in range(rows)], "t": ["y" * 90] * rows})


def extra(db: VectorDB, mode: str, path: str, draw: random.Random) -> None:
    """A snapshot, a checkpoint, an erasure or a compaction."""
    if mode == "snapshot":
        db.snapshot(f"{path}.copy")
    elif mode == "checkpoint":
        db.checkpoint(f"{path}.checkpoint")
    elif mode == "erase":
        living = sorted(map(str, db.view("numbers").entities()))
        entity = draw.choice(living)
        db.erase("numbers", entity, reason="asked")
        acknowledge(db)
        say(f"erased {entity}")
    elif mode == "compact" and db.head > db.state.log.pruned + 10:
        db.compact(below=db.head - 2)
        acknowledge(db)


def follow(db: VectorDB) -> None:
    """Read what somebody else writes."""
    while True:
        head = db.refresh()
        say(f"ack {head} {db.digest(head)}")


def run(task: dict[str, Any]) -> None:
    """Do a task until killed."""
    say(f"pid {os.getpid()}")
    follows = task["mode"] == "follow"
    if follows:
        options = Options(system_clock, read_only=True)
    else:
        files = SmallWrites() if task["mode"] == "write in pieces" else FILES
        options = Options(system_clock, task["fsync"], lazy=task["lazy"], auto_index=False, files=files)
    with VectorDB._of(*open_state(task["path"], options, (), None, False)) as db:
        say("open")
        follow(db) if follows else work(db, task)


def main() -> None:
    """Fork one process a task."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                run(json.loads(line))
            except BaseException:
                say(f"failed {json.dumps(traceback.format_exc())}")
            os._exit(1)
        os.waitpid(child, 0)
        say("dead")


if __name__ == "__main__":
    main()
