"""A store of three lines, and what stands in its table."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

from ledger import SqlStore
from tests.ledger.fake_driver import FakeDriver

LINES = [b"header\n", b"one\n", b"two\n"]


def held(store: Any) -> list[bytes]:
    return [line for _, lines in store.read(0) for line in lines]


def connected(driver: FakeDriver, **options: Any) -> SqlStore:
    return SqlStore(driver.connect, module=driver, **options)


def in_the_table(driver: FakeDriver) -> list[tuple[int, bytes]]:
    """What another program finds there."""
    with closing(sqlite3.connect(driver.path)) as connection:
        rows = connection.execute("SELECT position, line FROM vectordb_lines ORDER BY position")
        return [(position, bytes(line)) for position, line in rows]
