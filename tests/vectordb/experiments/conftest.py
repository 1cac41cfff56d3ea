"""Fixtures of this room: a small database, and an experiment in it."""

from __future__ import annotations

import pytest

from tests.vectordb.experiments.lab import METRICS, Lab
from vectordb import LiveExperiment


@pytest.fixture
def lab() -> Lab:
    return Lab()


@pytest.fixture
def ranking(lab: Lab) -> LiveExperiment:
    return lab.make(metrics=METRICS)
