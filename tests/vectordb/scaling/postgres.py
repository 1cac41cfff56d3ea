"""A PostgreSQL server of the tests' own: Debian's programs, a folder that goes with it, a port of loopback."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from glob import glob
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.vectordb.scaling.worker import connector

DRIVERS = [name for name in ("psycopg", "pg8000.dbapi") if find_spec(name.partition(".")[0])]
USER = "vectordb"
STARTED: dict[int, Callable[[], Any]] = {}  # by port: what starts a server again


def programs() -> str | None:
    """The folder of ``initdb`` and ``postgres``."""
    found = shutil.which("initdb")
    folders = [os.path.dirname(found)] if found else sorted(glob("/usr/lib/postgresql/*/bin"), reverse=True)
    return next((folder for folder in folders if os.path.exists(os.path.join(folder, "postgres"))), None)


def why_not() -> str:
    """Why no server can be started; empty where it can."""
    if programs() is None:
        return "PostgreSQL is not installed"
    if not DRIVERS:
        return "no driver of PostgreSQL is installed"
    return "" if os.getuid() or _other_user() else "PostgreSQL does not run as root, and there is no other user"


def _other_user() -> str | None:
    """Who runs it where the tests are root's."""
    if os.getuid():
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in names), None)


@contextmanager
def server() -> Iterator[int]:
    """A running server; its port."""
    folder, user = programs(), _other_user()
    with tempfile.TemporaryDirectory() as home:
        if user is not None:
            shutil.chown(home, user)
        data, port = str(Path(home, "data")), _free_port()
        arguments = ["-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run([f"{folder}/initdb", *arguments], check=True, capture_output=True, user=user, cwd=home)
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={home} -c fsync=off"
        control = [f"{folder}/pg_ctl", "-D", data, "-w", "-l", str(Path(home, "log"))]
        with open(os.devnull, "wb") as nowhere:
            quiet = {"stdout": nowhere, "stderr": nowhere, "user": user, "cwd": home}
            subprocess.run([*control, "-o", options, "start"], check=True, timeout=60, **quiet)  # type: ignore[call-overload]
            again = [*control, "-o", options, "-m", "fast", "restart"]
            STARTED[port] = lambda: subprocess.run(again, check=True, timeout=60, **quiet)  # type: ignore[call-overload]
            try:
                yield port
            finally:
                subprocess.run([*control, "-m", "immediate", "stop"], check=True, timeout=60, **quiet)  # type: ignore[call-overload]


def restart(port: int) -> None:
    """Stop a server, which ends its connections, and start it again."""
    STARTED[port]()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def place_of(driver: str, port: int) -> str:
    """A place for ``tests.vectordb.scaling.worker``."""
    name = "dbname" if driver == "psycopg" else "database"
    return f"{driver}:{json.dumps({'host': '127.0.0.1', 'port': port, 'user': USER, name: 'postgres'})}"


def run_sql(place: str, statement: str) -> list[Any]:
    connection = connector(place)()
    try:
        cursor = connection.cursor()
        cursor.execute(statement)
        return list(cursor.fetchall()) if cursor.description else []
    finally:
        connection.close()


def lines_at(place: str) -> list[bytes]:
    rows = run_sql(place, "SELECT position, line FROM vectordb_lines ORDER BY position")
    assert [position for position, _ in rows] == list(range(len(rows)))
    return [bytes(line) for _, line in rows]
