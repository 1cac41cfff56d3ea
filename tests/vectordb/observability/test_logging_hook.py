"""The hook of the standard library's logging."""

from __future__ import annotations

import logging

import pytest

from tests.vectordb.world import FULL, World
from vectordb import HeadConflict
from vectordb.observability import LoggingHook

LOGGER = logging.getLogger("tests.observing")


def test_levels_texts_and_attributes(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, LOGGER.name)
    exp = world.db.create_experiment("ranking", arms={"x": 1.0}, unit="user")
    with world.db.observe(LoggingHook(LOGGER)) as seen:
        world.drivers.put("secret-id", FULL)
        with pytest.raises(HeadConflict):
            world.drivers.put("secret-id", FULL, expected_head=1)
        exp.expose("secret-id")
    texts = [record.getMessage() for record in caplog.records]
    assert [record.levelname for record in caplog.records] == ["DEBUG", "WARNING", "DEBUG", "DEBUG"]
    assert texts[0].startswith("view.put drivers 0.0") and texts[0].endswith(" s")
    assert texts[1].endswith("s failed: HeadConflict")
    assert texts[3].startswith("feature_flag.evaluation ranking x")
    told = vars(caplog.records[0])["vectordb"]
    assert told["db.collection.name"] == "drivers" and told["duration"] > 0
    assert "secret-id" not in repr([vars(record) for record in caplog.records])
    assert seen.errors == 0


def test_slow_calls_stand_out_and_quiet_loggers_cost_no_record(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, LOGGER.name)
    with world.db.observe(LoggingHook(LOGGER, slow_s=10.0)):
        world.drivers.get("d")
    assert not caplog.records
    with world.db.observe(LoggingHook(LOGGER, slow_s=0.0, slow_level=logging.ERROR)):
        world.drivers.get("d")
    assert [record.levelname for record in caplog.records] == ["ERROR"]
