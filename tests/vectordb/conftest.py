"""The world of most tests."""

from __future__ import annotations

import pytest

from tests.vectordb.world import World


@pytest.fixture
def world() -> World:
    return World()
