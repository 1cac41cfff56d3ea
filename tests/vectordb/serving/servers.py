"""Real servers on loopback, each a context that gives its port; skipped where a package is absent."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest

from vectordb.serving import Application

ROOT = Path(__file__).parents[3]


class ThreadingServer(ThreadingMixIn, WSGIServer):
    """A thread a connection."""

    daemon_threads = True


class QuietHandler(WSGIRequestHandler):
    """Logs nothing, and waits a second for what does not arrive."""

    timeout = 1.0

    def log_message(self, *arguments: Any) -> None:
        """Nothing."""


@contextmanager
def wsgiref(app: Application) -> Iterator[int]:
    with make_server("127.0.0.1", 0, app, ThreadingServer, QuietHandler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join(5)


@contextmanager
def uvicorn(app: Application) -> Iterator[int]:
    package = pytest.importorskip("uvicorn")
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))  # of a listener that says TCP, asyncio sends small answers without delay
        server = package.Server(package.Config(app, log_level="critical", lifespan="on", timeout_keep_alive=2))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + 10
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.01)
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(10)


@contextmanager
def gunicorn(app: Application) -> Iterator[int]:
    """In a process of its own, which builds the same application."""
    pytest.importorskip("gunicorn")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        command = [sys.executable, "-m", "gunicorn", "--threads", "4", "--log-level", "critical", "--timeout", "20",
                   "--bind", f"fd://{listener.fileno()}", "tests.vectordb.serving.servers:build()"]  # fmt: skip
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(command, cwd=ROOT, env=environment, pass_fds=[listener.fileno()])
        try:
            wait_for(port)
            yield port
        finally:
            process.terminate()
            process.wait(20)


def build() -> Application:
    """What gunicorn serves."""
    from tests.vectordb.serving.serving_world import make_application

    return make_application(writes=["push", "rows"])


def wait_for(port: int, seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if request(port, "GET", "/health")[0] == 200:
                return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError("the server did not start")


def request(port: int, method: str, target: str, body: Any = None, headers: Any = None) -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, target, body, headers or {})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()
