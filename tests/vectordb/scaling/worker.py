"""Processes that write and follow one shared ledger: ``python -m tests.vectordb.scaling.worker <role> <place> ...``.

A place is ``sqlite:<path>``, or ``<driver>:<keywords as JSON>`` for a driver of PostgreSQL.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, NamedTuple

from ledger import sqlite_file
from tests.house.source import ROOT
from vectordb import Int, OffsetConflict, VectorDB
from vectordb.testing import state_of

TALLY = "tally"  # an entity that all writers count up, each building on the others
EVERY = 5  # so many events, one of them on the tally
POLL_S = 0.002


def connector(place: str) -> Callable[[], Any]:
    """What makes connections to a place."""
    driver, _, rest = place.partition(":")
    if driver == "sqlite":
        return sqlite_file(rest, synchronous="NORMAL", timeout=60)
    module, keywords = import_module(driver), json.loads(rest)

    def connect() -> Any:
        connection = module.connect(**keywords)
        connection.autocommit = True
        return connection

    return connect


def create(place: str) -> VectorDB:
    """The ledger, with the view that the workers write."""
    db = VectorDB.connect(connector(place))
    db.create_view("counters", entity="counter", features={"n": Int(default=0)})
    return db


def write(place: str, name: str, count: str) -> None:
    """Write so many events: of one's own, and of the tally that all count up."""
    with VectorDB.connect(connector(place)) as db:
        print("ready", flush=True)
        sys.stdin.readline()
        counters = db.view("counters")
        for number in range(int(count)):
            if number % EVERY:
                counters.put(f"{name}-{number}", {"n": number}, idempotency_key=f"{name}-{number}")
            else:
                _count_up(db)


def _count_up(db: VectorDB) -> None:
    counters = db.view("counters")
    while True:
        row = counters.get(TALLY)
        expected = 0 if row.version is None else int(row.version.partition("@")[2])
        try:
            counters.put(TALLY, {"n": row["n"] + 1}, expected_offset=expected)
            return
        except OffsetConflict:
            db.refresh()


def follow(place: str, head: str) -> None:
    """Follow up to a head; what is there then, and how long each event took to be seen."""
    with VectorDB.connect(connector(place), read_only=True) as db:
        print("ready", flush=True)
        seen, lags = db.head, []
        while seen < int(head):
            found = db.refresh()
            now = time.time_ns() // 1000
            lags += [now - db.event(offset).time for offset in range(seen + 1, found + 1)]
            seen = found
            time.sleep(POLL_S)
        print(json.dumps({**told(db), "lags": lags}), flush=True)


def told(db: VectorDB) -> dict[str, Any]:
    """Head, digest, and a digest of all that is shown at the head and half-way."""
    shown = [state_of(db.as_of(offset)) for offset in (db.head // 2, db.head)]
    text = json.dumps(shown, sort_keys=True).encode()
    return {"head": db.head, "digest": db.digest(), "state": hashlib.sha256(text).hexdigest()}


def die(place: str, step: str) -> None:
    """Write one event, and be killed when the engine comes to a step of a second one (or after it)."""
    is_armed: list[bool] = []

    def kill_at(statement: str) -> None:
        if is_armed and statement.startswith(step):
            os.kill(os.getpid(), signal.SIGKILL)

    def connect() -> Any:
        connection = connector(place)()
        connection.set_trace_callback(kill_at)
        return connection

    db = VectorDB.connect(connect)
    db.view("counters").put("first", {"n": 1})
    is_armed.append(True)
    db.view("counters").put("second", {"n": 2})
    os.kill(os.getpid(), signal.SIGKILL)


def go_on(place: str) -> None:
    """Write one event after the other, telling the offset of each that stands."""
    with VectorDB.connect(connector(place)) as db:
        counters, number = db.view("counters"), 0
        while True:
            print(counters.put(f"{os.getpid()}-{number}", {"n": number}).offset, flush=True)
            number += 1


def start(role: str, *arguments: object) -> subprocess.Popen[str]:
    """Run a role in a process of its own."""
    command = [sys.executable, "-m", "tests.vectordb.scaling.worker", role, *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


class Run(NamedTuple):
    """What a run of writers and followers took and told."""

    seconds: float
    followers: list[dict[str, Any]]


def run_together(place: str, writers: int, followers: int, events: int, timeout: float = 120.0) -> Run:
    """So many writers and followers on one ledger; each follower has seen all ``events`` of each writer."""
    head = 1 + writers * events
    writing = [start("write", place, f"w{number}", events) for number in range(writers)]
    following = [start("follow", place, head) for _ in range(followers)]
    try:
        for process in (*writing, *following):
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n", process.communicate()[1]
        before = time.perf_counter()
        for process in writing:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        answers = [process.communicate(timeout=timeout) for process in (*writing, *following)]
        seconds = time.perf_counter() - before
    finally:
        for process in (*writing, *following):
            process.kill()
            process.wait()
    wrong = [error for process, (_, error) in zip((*writing, *following), answers) if process.returncode]
    assert not wrong, wrong[0]
    return Run(seconds, [json.loads(answer) for answer, _ in answers[writers:]])


def percentile(values: Sequence[float], share: float) -> float:
    """The value that a share of them does not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


if __name__ == "__main__":
    ROLES: dict[str, Callable[..., None]] = {"write": write, "follow": follow, "die": die, "go_on": go_on}
    ROLES[sys.argv[1]](*sys.argv[2:])
