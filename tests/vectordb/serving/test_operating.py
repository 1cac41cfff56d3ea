"""Operating an application: closed databases, forked workers, answers of one clock while others write."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.vectordb.serving.serving_world import START, WRITE, a_file, call_asgi, call_wsgi, make_application
from vectordb import Int, ManualClock, VectorDB
from vectordb.serving import Application, BearerToken

ROOT = Path(__file__).parents[3]
ROWS = {"rows": [{"user": "u-1", "age": 7}]}


def test_a_closed_database_is_read_and_says_so_where_it_should_be_written(tmp_path: Path) -> None:
    db = a_file(tmp_path / "ledger.jsonl")
    app = Application(db, writes=True, authorize=BearerToken(write="s3cret"))
    reads = Application(db)
    assert call_wsgi(app, "POST", "/views/users/rows", ROWS, WRITE).status == 201
    assert call_wsgi(app, "GET", "/health").json["status"] == "ok"
    db.close()
    for call in (call_wsgi, call_asgi):
        for method in ("GET", "HEAD"):
            found = [call(one, method, path).status for one in (app, reads) for path in ("/health", "/v2/health/ready")]
            assert found == [503, 400, 200, 200]
        assert call(app, "GET", "/health").json["status"] == "closed"
        assert call(app, "GET", "/views/users/u-1").json["values"] == {"age": 7}
        refused = call(app, "POST", "/views/users/rows", ROWS, WRITE)
        assert refused.status == 503 and b"ledger.jsonl" not in refused.body


FORKED = """
import os, sys
from tests.vectordb.serving.serving_world import WRITE, a_file, call_wsgi
from vectordb.serving import Application, BearerToken
from pathlib import Path
db = a_file(Path(sys.argv[1]))
app = Application(db, writes=True, authorize=BearerToken(write="s3cret"))
ROWS = {"rows": [{"user": "u-1", "age": 7}]}
child = os.fork()
answers = call_wsgi(app, "GET", "/views/users/u-1"), call_wsgi(app, "POST", "/views/users/rows", ROWS, WRITE)
statuses = [one.status for one in answers]
if not child:
    os._exit(0 if statuses == [200, 503] else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0 and statuses == [200, 201] and db.head == 3
db.close()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_worker_forked_after_the_application_was_made_reads_and_does_not_write(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", FORKED, str(tmp_path / "ledger.jsonl")]
    subprocess.run(command, cwd=ROOT, check=True, timeout=60)
    assert VectorDB.replay(tmp_path / "ledger.jsonl").head == 3


class Ticking(ManualClock):
    """Goes on by ten seconds whenever it is looked at."""

    def __call__(self) -> int:
        self.advance(10)
        return super().__call__()


def test_all_views_of_an_answer_are_read_at_one_clock() -> None:
    db = VectorDB(clock=Ticking(START))
    body: dict[str, Any] = {"features": [], "entities": {"user": ["u-1"]}, "full_feature_names": True}
    names = [f"v{number}" for number in range(6)]
    for name in names:
        db.create_view(name, entity="user", features={"age": Int()}, ttl=1_000)
        body["features"].append(f"{name}:age")
    for name in names:
        db.view(name).put("u-1", {"age": 1}, event_time=START)
    app, seen = Application(db), set()
    for _ in range(130):
        found = call_wsgi(app, "POST", "/get-online-features", body).json["results"]
        states = {one["statuses"][0] for one in found}
        assert len(states) == 1
        seen |= states
    assert seen == {"PRESENT", "OUTSIDE_MAX_AGE"}


def test_answers_are_whole_while_a_writer_writes() -> None:
    db, stop, seen = VectorDB(), threading.Event(), []
    for name in ("a", "b"):
        db.create_view(name, entity="user", features={"x": Int(), "y": Int()})
    db.create_service("all", features=["a:x", "a:y", "b:x"])
    app = Application(db)

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            with db.transaction() as tx:
                tx.view("a").put("u-1", {"x": number, "y": number})
                tx.view("b").put("u-1", {"x": number, "y": number})

    def read() -> None:
        for turn in range(40):
            asked = {"feature_service": "all"} if turn % 2 else {"features": ["a:x", "a:y", "b:x"]}
            body = {**asked, "entities": {"user": ["u-1"]}, "full_feature_names": True}
            answer = call_wsgi(app, "POST", "/get-online-features", body)
            found = answer.json["results"]
            seen.append((len({one["values"][0] for one in found}), len({one["event_timestamps"][0] for one in found})))

    writer, readers = threading.Thread(target=write), [threading.Thread(target=read) for _ in range(3)]
    for thread in (writer, *readers):
        thread.start()
    for thread in readers:
        thread.join(30)
    stop.set()
    writer.join(30)
    assert seen == [(1, 1)] * 120 and db.head > 3


def test_a_past_has_no_condition_to_lose() -> None:
    app = Application(make_application().db.as_of(3))
    assert call_wsgi(app, "GET", "/health").json == {"status": "ok", "as_of": 3, "live": False}
