"""The shop of most tests."""

from __future__ import annotations

import pytest

from tests.vectordb.exporting.shop import shop
from vectordb import VectorDB


@pytest.fixture
def db() -> VectorDB:
    return shop()
