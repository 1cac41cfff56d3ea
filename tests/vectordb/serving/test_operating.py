"""Operating an application: followers behind a loop, closed databases, forked workers, monitors."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.vectordb.serving.serving_world import (
    START,
    WRITE,
    a_file,
    call_asgi,
    call_wsgi,
    make_application,
    make_world,
)
from vectordb import Int, ManualClock, VectorDB
from vectordb.observability import Metrics
from vectordb.serving import Application, BearerToken, Predictor
from vectordb.serving.application import WRITES
from vectordb.serving.routes import ROUTES

ROOT = Path(__file__).parents[3]
ROWS = {"rows": [{"user": "u-1", "age": 7}]}
QUIET = [{"name": "driver", "datatype": "BYTES", "shape": [1], "data": ["d-7"]},
         {"name": "km", "datatype": "FP64", "shape": [1], "data": [1.0]}]  # fmt: skip


# -- a follower under ASGI -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [True, False])
def test_a_refresh_does_not_hold_up_the_loop(threads: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_file(tmp_path / "ledger.jsonl").close()
    with VectorDB.open(tmp_path / "ledger.jsonl", read_only=True) as db:
        app = Application(db, refresh_seconds=3_600, threads=threads)
        refreshed: list[int] = []
        monkeypatch.setattr(db, "refresh", lambda: refreshed.append(threading.get_ident()))
        for _ in range(3):
            assert call_asgi(app, "GET", "/views/users/u-1").json["values"] == {"age": 1}
        own = threading.get_ident()
        assert len(refreshed) == 1 and (refreshed[0] != own) is threads


def test_the_loop_answers_others_during_a_refresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_file(tmp_path / "ledger.jsonl").close()
    with VectorDB.open(tmp_path / "ledger.jsonl", read_only=True) as db:
        app, go_on, begun = Application(db, refresh_seconds=3_600), threading.Event(), threading.Event()

        def refresh() -> None:
            begun.set()
            assert go_on.wait(10)

        monkeypatch.setattr(db, "refresh", refresh)

        async def ask(sent: list[Any]) -> None:
            async def receive() -> Any:
                return {"type": "http.request", "body": b""}

            async def send(message: Any) -> None:
                sent.append(message)

            await app({"type": "http", "method": "GET", "path": "/views/users/u-1", "headers": []}, receive, send)

        async def both() -> None:
            first: list[Any] = []
            waiting = asyncio.create_task(ask(first))
            while not begun.is_set():
                await asyncio.sleep(0.001)
            second: list[Any] = []
            await ask(second)
            assert second[0]["status"] == 200 and not first
            go_on.set()
            await waiting
            assert first[0]["status"] == 200

        asyncio.run(both())


@pytest.mark.parametrize(("rows", "aside"), [(3, False), (200, False), (300, True)])
def test_many_entities_are_read_beside_the_loop(rows: int, aside: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    db, seen = make_world(), set()
    plain = db.consistently

    def consistently(*arguments: Any) -> Any:
        seen.add(threading.get_ident())
        return plain(*arguments)

    monkeypatch.setattr(db, "consistently", consistently)
    body = {"feature_service": "shown", "entities": {"driver": [1] * rows}}
    assert call_asgi(Application(db), "POST", "/get-online-features", body).status == 200
    assert (threading.get_ident() not in seen) is aside


# -- closed and forked ---------------------------------------------------------------------------------------------


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
from vectordb.serving import Application, BearerToken, Predictor
from vectordb.serving.application import WRITES
from vectordb.serving.routes import ROUTES
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


# -- monitors ------------------------------------------------------------------------------------------------------


def test_the_counters_of_hooks_stand_beside_those_of_requests() -> None:
    parser = pytest.importorskip("prometheus_client.parser")
    db, metrics = make_world(), Metrics()
    app = Application(db, metrics=metrics)
    with db.observe(metrics):
        for _ in range(3):
            call_wsgi(app, "GET", "/views/drivers/d-7")
        text = call_wsgi(app, "GET", "/metrics").body.decode()
    found = {one.name: one for one in parser.text_string_to_metric_families(text)}
    counts = [one.value for one in found["db_client_operation_duration_seconds"].samples
              if one.name.endswith("_count") and one.labels["db_operation_name"] == "view.get"]  # fmt: skip
    assert counts == [3] and "vectordb_http_requests" in found and "vectordb_offset" in found


# -- one clock -----------------------------------------------------------------------------------------------------


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


# -- read-only ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("route", [one for one in ROUTES if one.method == "POST"], ids=lambda one: one.pattern)
def test_without_writes_nothing_is_written(route: Any) -> None:
    db = make_world()
    quiet = Predictor(db, "ranker", "risk", experiment="ranking", record=False)
    app, before = Application(db, authorize=lambda request: True, predictors={"quiet": quiet}), db.digest()
    path = route.pattern.format(view="users", experiment="ranking", model="quiet", version="1")
    body = {"push_source_name": "users", "df": {"user": ["u"], "age": [1]}} if path == "/push" else dict(ROWS)
    body = {"units": ["u-1", "d-7"]} if path.startswith("/experiments") else body
    body = {"inputs": QUIET} if path.startswith("/v2") else body
    for call in (call_wsgi, call_asgi):
        answer = call(app, "POST", path, body, WRITE)
        assert answer.status == 403 if route.write not in ("", "predict") else answer.status in (200, 400), answer
    assert db.digest() == before


@pytest.mark.parametrize("kind", sorted(WRITES))
def test_one_kind_of_write_does_not_bring_the_others(kind: str) -> None:
    app = make_application(writes=[kind])
    for route in ROUTES:
        if route.write not in ("", "predict", kind):
            path = route.pattern.format(view="users", experiment="ranking")
            assert call_wsgi(app, "POST", path, ROWS, WRITE).status == 403
    assert app.db.as_of_offset == 16
