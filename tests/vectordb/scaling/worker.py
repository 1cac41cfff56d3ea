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
import traceback
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, NamedTuple

from ledger import sqlite_file
from tests.house.source import ROOT
from vectordb import Int, OffsetConflict, VectorDB
from vectordb.testing import state_of

TALLY = "tally"  # an entity that all writers count up, each building on the others
EVERY = 5  # so many events, one of them on the tally
POLL_S = 0.005


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
        wait_for_the_others()
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
        wait_for_the_others()
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


def die(place: str, mode: str, step: str) -> None:
    """Write one event, and be killed when the engine comes to a step of a second one (or after it)."""
    is_armed: list[bool] = []

    def kill_at(statement: str) -> None:
        if is_armed and statement.startswith(step):
            os.kill(os.getpid(), signal.SIGKILL)

    def connect() -> Any:
        connection = connector(place)()
        connection.isolation_level = None if mode == "autocommit" else mode
        connection.set_trace_callback(kill_at)
        return connection

    db = VectorDB.connect(connect)
    wait_for_the_others()
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
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run_all(commands: Sequence[Sequence[object]], timeout: float = 120.0) -> tuple[float, list[tuple[int, str]]]:
    """Run roles at once, forked from one process that has imported what they need.

    The seconds from when all were ready, and of each its status (minus the signal that killed it) and what it told.
    """
    process = start("fork", json.dumps([[str(word) for word in command] for command in commands]))
    try:
        answer, error = process.communicate(timeout=timeout)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, error
    seconds, told_by = json.loads(answer)
    assert error == "" or any(status > 0 for status, _ in told_by), error
    assert all(status <= 0 for status, _ in told_by), error
    return seconds, [(status, text) for status, text in told_by]


def fork(commands: str) -> None:
    """Run roles in children; each waits until all are ready."""
    is_ready, go = os.pipe(), os.pipe()
    children = []
    for role, *arguments in json.loads(commands):
        out = os.pipe()
        child = os.fork()
        if not child:
            os.dup2(out[1], 1)
            os.close(go[1])
            os.environ["READY"], os.environ["GO"] = str(is_ready[1]), str(go[0])
            try:
                ROLES[role](*arguments)
                sys.stdout.flush()
                os._exit(0)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
        os.close(out[1])
        children.append((child, out[0]))
    for _ in children:
        os.read(is_ready[0], 1)
    before = time.perf_counter()
    os.close(go[1])  # they find the end of the pipe
    told_by = []
    for child, out_of in children:
        with os.fdopen(out_of) as file:
            text = file.read()
        told_by.append((os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), text))
    print(json.dumps([time.perf_counter() - before, told_by]))


def wait_for_the_others() -> None:
    """Tell that this one is ready, and wait until all are."""
    if "READY" in os.environ:
        os.write(int(os.environ["READY"]), b".")
        os.read(int(os.environ["GO"]), 1)


class Run(NamedTuple):
    """What a run of writers and followers took and told."""

    seconds: float
    followers: list[dict[str, Any]]


def run_together(place: str, writers: int, followers: int, events: int, timeout: float = 120.0) -> Run:
    """So many writers and followers on one ledger; each follower has seen all ``events`` of each writer."""
    writing = [("write", place, f"w{number}", events) for number in range(writers)]
    following = [("follow", place, 1 + writers * events)] * followers
    seconds, told_by = run_all([*writing, *following], timeout)
    return Run(seconds, [json.loads(text) for _, text in told_by[writers:]])


def percentile(values: Sequence[float], share: float) -> float:
    """The value that a share of them does not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


ROLES: dict[str, Callable[..., None]] = {"write": write, "follow": follow, "die": die, "go_on": go_on, "fork": fork}

if __name__ == "__main__":
    ROLES[sys.argv[1]](*sys.argv[2:])
