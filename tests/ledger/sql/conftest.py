"""A driver in both modes of committing, and a store of some lines over it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.ledger.fake_driver import FakeDriver
from tests.ledger.sql.stores import LINES, connected


@pytest.fixture(params=[False, True], ids=["transactions", "autocommit"])
def driver(request: pytest.FixtureRequest, tmp_path: Path) -> FakeDriver:
    return FakeDriver(tmp_path / "fake.db", autocommit=request.param)


@pytest.fixture
def store(driver: FakeDriver) -> Any:
    with closing(connected(driver)) as store:
        for line in LINES:
            store.append(line)
        yield store
