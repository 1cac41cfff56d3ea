"""Followers that are served: they catch up, say when they cannot, and hold up nobody."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.vectordb.serving.serving_world import a_file, call_asgi, call_wsgi
from vectordb import Int, InvalidInput, VectorDB
from vectordb.serving import Application


def test_a_follower_catches_up_and_says_when_it_cannot(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with VectorDB.open(path) as writer:
        users = writer.create_view("users", entity="user", features={"age": Int()})
        with VectorDB.open(path, read_only=True) as db:
            app = Application(db, refresh_seconds=1e-9)
            users.put("u-1", {"age": 1})
            assert call_wsgi(app, "GET", "/views/users/u-1").json["as_of"] == 2
            assert "vectordb_refresh_failures_total 0\n" in call_wsgi(app, "GET", "/metrics").body.decode()
            assert call_wsgi(app, "GET", "/health").json["status"] == "ok"
            with path.open("ab") as file:
                file.write(b"{}\n")
            assert call_wsgi(app, "GET", "/views/users/u-1").json["values"] == {"age": 1}
            assert call_wsgi(app, "GET", "/health").status == 503
            assert call_wsgi(app, "GET", "/v2/health/ready").status == 400
            for seconds in (-1, True, "5", float("nan"), float("inf")):
                with pytest.raises(InvalidInput, match="seconds apart"):
                    Application(db, refresh_seconds=seconds)  # type: ignore[arg-type]


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
