"""The application under real servers, asked by clients that know nothing of it."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest

from tests.vectordb.serving import servers
from tests.vectordb.serving.serving_world import WRITE, make_application
from vectordb.serving import Limits

SERVERS = ("wsgiref", "uvicorn", "gunicorn")


@pytest.fixture(params=SERVERS, scope="module")
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    with getattr(servers, request.param)(make_application(writes=["push", "rows"])) as found:
        yield found


def feast(port: int, path: str, body: Any, **headers: str) -> Any:
    """A client of Feast's feature server, as its documentation has one."""
    address = f"http://127.0.0.1:{port}{path}"
    asked = Request(address, json.dumps(body).encode(), {"Content-Type": "application/json", **headers})
    with urlopen(asked, timeout=10) as answer:
        return json.load(answer)


def test_a_feast_client(port: int) -> None:
    refs = ["drivers:trips", "drivers:rating"]
    found = feast(port, "/get-online-features", {"features": refs, "entities": {"driver": ["d-7", "nobody"]}})
    names = found["metadata"]["feature_names"]
    table = {name: dict(zip(("d-7", "nobody"), one["values"])) for name, one in zip(names, found["results"])}
    assert table == {"trips": {"d-7": 12, "nobody": 0}, "rating": {"d-7": 4.5, "nobody": None}}
    frame = {"user": ["u-77"], "age": [7], "event_timestamp": ["2023-11-14T22:13:20Z"]}
    pushed = feast(port, "/push", {"push_source_name": "users", "df": frame, "to": "online"}, **WRITE)
    assert pushed["versions"][0].startswith("users/u-77@")
    back = feast(port, "/get-online-features", {"features": ["users:age"], "entities": {"user": ["u-77"]}})
    assert back["results"][0]["values"] == [7]
    with pytest.raises(HTTPError) as refused:
        feast(port, "/push", {"push_source_name": "users", "df": frame, "to": "online"})
    assert refused.value.code == 401 and "detail" in json.load(refused.value)
    refused.value.close()


def test_an_open_inference_client(port: int) -> None:
    assert json.loads(servers.request(port, "GET", "/v2/health/ready")[1]) == {"ready": True}
    said = json.loads(servers.request(port, "GET", "/v2/models/ranker")[1])
    inputs = [{"name": one["name"], "datatype": one["datatype"], "shape": [1], "data": [value]}
              for one, value in zip(said["inputs"], ("d-7", 2.5))]  # fmt: skip
    status, body = servers.request(port, "POST", "/v2/models/ranker/infer", json.dumps({"inputs": inputs}))
    assert status == 200
    assert [one["data"] for one in json.loads(body)["outputs"]] == [[12], [4.5], [2.5]]


def test_tritons_client(port: int) -> None:
    client = pytest.importorskip("tritonclient.http")
    numpy = pytest.importorskip("numpy")
    with client.InferenceServerClient(f"127.0.0.1:{port}") as triton:
        assert triton.is_server_live() and triton.is_server_ready() and triton.is_model_ready("ranker")
        assert triton.get_model_metadata("ranker")["platform"] == "vectordb"
        for as_binary in (True, False):
            driver = client.InferInput("driver", [2, 1], "BYTES")
            driver.set_data_from_numpy(numpy.array([["d-7"], ["d-8"]], dtype=object), binary_data=as_binary)
            km = client.InferInput("km", [2, 1], "FP32")
            km.set_data_from_numpy(numpy.array([[1.5], [2.5]], dtype=numpy.float32), binary_data=as_binary)
            found = triton.infer("ranker", [driver, km])
            assert found.as_numpy("km").tolist() == [1.5, 2.5] and found.as_numpy("rating").tolist() == [4.5, 3.0]
        with pytest.raises(client.InferenceServerException, match="no service of that name"):
            triton.infer("nobody", [driver, km])


def test_escaped_paths_and_kept_connections(port: int) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    for entity, known in (("a/b", True), ('["eu",7]', True), ("7", True), ("d%2F7", False), ("nö", False)):
        connection.request("GET", "/views/drivers/" + quote(entity, safe=""))
        answer = connection.getresponse()
        body = json.loads(answer.read())
        assert answer.status == 200 and body["found"] is known, body
    connection.close()


def test_hostile_requests(port: int) -> None:
    head = b"POST /get-online-features HTTP/1.1\r\nHost: x\r\n"
    for raw in (
        head + b"Content-Length: 2\r\n\r\n[]",
        head + b"Content-Length: 9\r\n\r\n{\"a\":NaN}",
        b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /views/%2e%2e/secret HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /views/drivers/%00 HTTP/1.1\r\nHost: x\r\n\r\n",
        head + b"Content-Length: 99999999999\r\n\r\n", head + b"Content-Length: x\r\n\r\n",
        head + b"Content-Length: 40000\r\n\r\n" + b"[" * 40_000, b"GET /views?as_of=%zz HTTP/1.1\r\nHost: x\r\n\r\n",
        head + b"Content-Length: 2\r\nContent-Type: application/json; charset=utf-16\r\n\r\n{}",
        head + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        head + b"Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n",
        head + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        head + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    ):  # fmt: skip
        status, body = talk(port, raw)
        assert 400 <= status < 500, (raw[:80], status, body)
        assert b"Traceback" not in body
    assert servers.request(port, "GET", "/health")[0] == 200


def test_an_oversized_body_is_answered_while_it_is_sent(port: int) -> None:
    body = b"[" + b"1," * (6 << 20) + b"1]"
    for headers in ({}, {"authorization": "Bearer wrong"}):
        status, answer = servers.request(port, "POST", "/get-online-features", body, headers)
        assert status == 413 and b"at most 8388608 bytes" in answer


def test_clients_that_leave_early(port: int) -> None:
    body = b'{"features": ["drivers:trips"], "entities": {"driver": ["d-7"]}}'
    head = b"POST /get-online-features HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
    for raw in (head[:20], head, head + body[:9], head + body):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as wire:
            wire.sendall(raw)
    assert servers.request(port, "GET", "/health")[0] == 200


def talk(port: int, raw: bytes) -> tuple[int, bytes]:
    """The status and the rest of what comes back for some bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as wire:
        wire.sendall(raw)
        answer = b""
        while b"\r\n\r\n" not in answer or not answer.partition(b"\r\n\r\n")[2]:
            piece = wire.recv(65_536)
            if not piece:
                break
            answer += piece
    return int(answer.split(b" ", 2)[1]), answer


@pytest.mark.parametrize("name", ["wsgiref", "uvicorn"])
def test_slow_bodies_end_and_others_are_served_meanwhile(name: str) -> None:
    app = make_application(limits=Limits(body_seconds=0.3))
    with getattr(servers, name)(app) as port, socket.create_connection(("127.0.0.1", port), timeout=5) as wire:
        wire.sendall(b"POST /get-online-features HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
        stop = threading.Event()
        thread = threading.Thread(target=trickle, args=(wire, stop), daemon=True)
        thread.start()
        start = time.monotonic()
        assert servers.request(port, "GET", "/health")[0] == 200
        assert b" 408 " in wire.recv(65_536).partition(b"\r\n")[0] and time.monotonic() - start < 3
        stop.set()
        thread.join(2)


def trickle(wire: socket.socket, stop: threading.Event) -> None:
    while not stop.wait(0.05):
        try:
            wire.sendall(b" ")
        except OSError:
            return


@pytest.mark.parametrize("name", ["wsgiref", "uvicorn"])
def test_many_clients_at_once(name: str) -> None:
    app = make_application(writes=["rows"])
    seen: list[int] = []

    def client(port: int, number: int) -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        for turn in range(10):
            if number % 2:
                body = json.dumps({"rows": [{"user": f"u-{number}", "age": turn}]})
                connection.request("POST", "/views/users/rows", body, {**WRITE, "content-type": "application/json"})
            else:
                body = json.dumps({"features": ["users:age"], "entities": {"user": [f"u-{number + 1}"]}})
                connection.request("POST", "/get-online-features", body)
            answer = connection.getresponse()
            answer.read()
            seen.append(answer.status)
        connection.close()

    with getattr(servers, name)(app) as port:
        threads = [threading.Thread(target=client, args=(port, number)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    assert sorted(seen) == [200] * 30 + [201] * 30 and app.db.as_of_offset == 46
    assert app.meters.requests.value("/views/{view}/rows", "POST", "201") == 30
