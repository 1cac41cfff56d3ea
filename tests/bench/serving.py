"""Serving: requests over loopback with latency percentiles, and what an experiment adds to a predictor.

    python -m tests.bench.serving --size 100000 --seconds 5 --clients 4

The server is a process of its own; clients are threads with kept connections where the server keeps them (wsgiref
does not). Every answer is read whole and checked; errors are counted, and there should be none.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from http.client import HTTPConnection, HTTPException
from importlib.util import find_spec
from pathlib import Path
from random import Random
from statistics import median, quantiles
from threading import Thread
from time import sleep
from typing import Any, NamedTuple

from tests.bench.data import FLOATS, filled
from tests.bench.harness import clock
from tests.bench.lines import Line, seconds, write_lines
from vectordb import VectorDB
from vectordb.serving import Application, Predictor

ROOT = Path(__file__).parents[2]
SERVERS = ("wsgiref", "gunicorn", "uvicorn")
KEYS = [f"drivers:{name}" for name in FLOATS]
SIZE_OF = "VECTORDB_BENCH_SIZE"


class Load(NamedTuple):
    """One server and kind of request; latencies in microseconds."""

    server: str
    request: str
    clients: int
    requests: float  # a second
    p50: float
    p90: float
    p99: float
    worst: float
    errors: int


class Cost(NamedTuple):
    """A predictor without and with an experiment, and the difference, in microseconds a query."""

    what: str
    without: float
    with_experiment: float
    added: float


# -- load ----------------------------------------------------------------------------------------------------------


def build() -> Application:
    """What the servers serve."""
    size = int(os.environ.get(SIZE_OF, "1000"))
    db = filled(size, size)
    db.create_service("ranker", features=KEYS)
    db.create_experiment("ranking", arms={"control": 0.5, "treatment": 0.5}, unit="driver")
    return Application(db)


def requests(size: int) -> dict[str, tuple[str, str, list[bytes]]]:
    """What is asked, by name: method, path and bodies."""
    random = Random(1)
    ids = [[f"d-{random.randrange(size)}" for _ in range(rows)] for rows in (1, 100) for _ in range(50)]
    feast = [json.dumps({"feature_service": "ranker", "entities": {"driver": one}}).encode() for one in ids]
    tensors = [[{"name": "driver", "datatype": "BYTES", "shape": [len(one)], "data": one}] for one in ids]
    infer = [json.dumps({"inputs": one}).encode() for one in tensors]
    return {
        "row of a view": ("GET", "/views/drivers/d-7", [b""]),
        "assignment": ("GET", "/experiments/ranking/assign/d-7", [b""]),
        "Feast, 1 entity x 10 features": ("POST", "/get-online-features", feast[:50]),
        "Feast, 100 entities": ("POST", "/get-online-features", feast[50:]),
        "Open Inference, 1 row": ("POST", "/v2/models/ranker/infer", infer[:50]),
        "Open Inference, 100 rows": ("POST", "/v2/models/ranker/infer", infer[50:]),
    }


def load(server: str, size: int, seconds: float, clients: int) -> Iterator[Load]:
    """Every kind of request against one server, one after the other."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        port, process = listener.getsockname()[1], _start(server, listener, size)
        try:
            _wait(port, process)
            for name, (method, path, bodies) in requests(size).items():
                yield _measure(server, name, port, (method, path, bodies), seconds, clients)
        finally:
            process.terminate()
            process.wait(30)


def _start(server: str, listener: socket.socket, size: int) -> subprocess.Popen[bytes]:
    number, built = listener.fileno(), "tests.bench.serving:build()"
    commands = {
        "wsgiref": ["tests.bench.serving", "--serve", str(number)],
        "gunicorn": ["gunicorn", "--threads", "4", "--log-level", "critical", "--bind", f"fd://{number}", built],
        "uvicorn": ["tests.bench.serving", "--uvicorn", str(number)],
    }
    environment = {**os.environ, SIZE_OF: str(size), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", *commands[server]]
    return subprocess.Popen(command, cwd=ROOT, env=environment, pass_fds=[number])


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = clock() + 120
    while clock() < deadline and process.poll() is None:
        connection = HTTPConnection("127.0.0.1", port, timeout=120)
        try:
            connection.request("GET", "/health")
            connection.getresponse().read()
            return
        except OSError:
            sleep(0.05)
        finally:
            connection.close()
    raise TimeoutError("the server did not start")


def _measure(
    server: str, name: str, port: int, asked: tuple[str, str, list[bytes]], seconds: float, clients: int
) -> Load:
    taken: list[list[float]] = [[] for _ in range(clients)]
    errors = [0] * clients
    threads = [Thread(target=_client, args=(port, asked, seconds, taken[one], errors, one)) for one in range(clients)]
    start = clock()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed, every = clock() - start, sorted(one for client in taken for one in client)
    cuts = quantiles(every, n=100, method="inclusive") if len(every) > 1 else [every[0]] * 99
    return Load(server, name, clients, len(every) / elapsed, cuts[49], cuts[89], cuts[98], every[-1], sum(errors))


def _client(
    port: int, asked: tuple[str, str, list[bytes]], seconds: float, taken: list[float], errors: list[int], me: int
) -> None:
    method, path, bodies = asked
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.connect()
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    end, turn = clock() + seconds, me
    while not taken or clock() < end:
        body, turn = bodies[turn % len(bodies)], turn + 1
        start = clock()
        try:
            connection.request(method, path, body, {"content-type": "application/json"} if body else {})
            answer = connection.getresponse()
            whole = answer.read()
            errors[me] += answer.status != 200 or not whole.startswith(b"{")
        except (OSError, HTTPException):
            errors[me] += 1
            connection.close()
        taken.append((clock() - start) * 1e6)
    connection.close()


def serve(number: int) -> None:
    """wsgiref with a thread a connection, on an inherited socket."""
    from tests.vectordb.serving.servers import QuietHandler, ThreadingServer

    server = ThreadingServer(("127.0.0.1", 0), QuietHandler, bind_and_activate=False)
    server.socket.close()
    server.socket = socket.socket(fileno=number)
    server.server_name, server.server_port = "127.0.0.1", server.socket.getsockname()[1]
    server.setup_environ()
    server.set_app(build())
    server.serve_forever()


def serve_uvicorn(number: int) -> None:
    """uvicorn on an inherited socket; its own ``--fd`` takes that for a Unix one, and delays small answers by 40 ms."""
    import uvicorn

    config = uvicorn.Config(build(), log_level="critical", backlog=256)
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=number)])


# -- the predictor -------------------------------------------------------------------------------------------------


def costs(size: int, queries: int, rounds: int = 5) -> Iterator[Cost]:
    """What an experiment adds: paired, the medians of rounds that take turns."""
    ids = [f"d-{number % size}" for number in range(queries)]
    for what, record in (("nothing recorded", False), ("prediction and exposure recorded", True)):
        for batch in (False, True):
            ways = [_predictor(size, experiment, record) for experiment in (None, "ranking")]
            taken: list[list[float]] = [[], []]
            for turn in range(rounds + 1):
                for way in (0, 1) if turn % 2 else (1, 0):
                    taken[way].append(_time(ways[way], ids, batch))
            without, added = median(taken[0][1:]), median(b - a for a, b in zip(taken[0][1:], taken[1][1:]))
            yield Cost(f"{what}, {'batch' if batch else 'single'}", without, median(taken[1][1:]), added)


def _predictor(size: int, experiment: str | None, record: bool) -> Predictor:
    db: VectorDB = filled(size, size)
    db.create_service("ranker", features=KEYS)
    db.create_experiment("ranking", arms={"control": 0.5, "treatment": 0.5}, unit="driver")
    return Predictor(db, "ranker", _first, experiment=experiment, record=record, label="first@1")


def _first(row: Any) -> Any:
    return row["f0"]


def _time(predictor: Predictor, ids: Sequence[str], batch: bool) -> float:
    start = clock()
    if batch:
        predictor.many(ids)
    else:
        for one in ids:
            predictor(one)
    return (clock() - start) / len(ids) * 1e6


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="Measure serving over loopback, and predictors.")
    parser.add_argument("--size", type=int, default=100_000, help="entities")
    parser.add_argument("--seconds", type=float, default=3.0, help="of every kind of request")
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--queries", type=int, default=2_000, help="of a predictor, a round")
    parser.add_argument("--servers", nargs="*", default=SERVERS, choices=SERVERS)
    parser.add_argument("--json", type=Path, metavar="PATH", help="also write the lines of the table")
    parser.add_argument("--serve", type=int, default=-1, help=argparse.SUPPRESS)
    parser.add_argument("--uvicorn", type=int, default=-1, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.serve >= 0:
        serve(options.serve)
    elif options.uvicorn >= 0:
        serve_uvicorn(options.uvicorn)
    else:
        _print(options)


def lines(costs: Sequence[Cost], loads: Sequence[Load]) -> Iterator[Line]:
    """What a predictor and an experiment cost, then every server and kind of request."""
    for cost in costs:
        yield Line(f"predictor, {cost.what}", f"{cost.without:.3g} us a query")
        yield Line(
            f"what an experiment adds to a predictor, {cost.what}",
            f"{cost.added:.3g} us a query",
            users_bar="≤ 1 ms",
            met=cost.added <= 1_000,
        )
    for one in loads:
        yield Line(
            f"{one.server}, {one.clients} clients on loopback: {one.request}",
            f"p50 {seconds(one.p50 / 1e6)}, p99 {seconds(one.p99 / 1e6)}, {one.requests:,.0f} requests/s, "
            f"{one.errors} errors",
            "no errors",
            met=one.errors == 0,
        )


def _print(options: argparse.Namespace) -> None:
    spent, loads = [], []
    for cost in costs(options.size, options.queries):
        spent.append(cost)
        print(f"{cost.what}: {cost.without:,.1f} us, with an experiment {cost.with_experiment:,.1f} us,",
              f"added {cost.added:,.1f} us a query (at most 1,000)", flush=True)  # fmt: skip
    print(*Load._fields, sep=" | ")
    for server in options.servers:
        if server != "wsgiref" and find_spec(server) is None:
            print(f"{server} | left out, not installed")
            continue
        for one in load(server, options.size, options.seconds, options.clients):
            loads.append(one)
            print(*(f"{value:,.0f}" if isinstance(value, float) else value for value in one), sep=" | ", flush=True)
    write_lines(options.json, lines(spent, loads))


if __name__ == "__main__":
    main()
