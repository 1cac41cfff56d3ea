"""An exposure as feature_flag.evaluation: key, variant, reason; once for each kind of answer."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.vectordb.observability.conftest import Told
from tests.vectordb.world import World
from vectordb import InvalidInput
from vectordb.experiments.assignment import REASONS
from vectordb.observability.evaluations import flag_reason

# opentelemetry.io/docs/specs/semconv/registry/attributes/feature-flag: feature_flag.result.reason
WELL_KNOWN = {
    "cached", "default", "disabled", "error", "split", "stale", "static", "targeting_match", "unknown",
}  # fmt: skip


def test_one_exposure(world: World, told: Told) -> None:
    exp = world.db.create_experiment("ranking", arms={"control": 0.5, "treatment": 0.5}, unit="user")
    with world.db.observe(told):
        arm = exp.expose("u-1").arm
    assert told.names == ["experiment.expose", "feature_flag.evaluation"]
    assert dict(told[1].attributes) == {
        "feature_flag.key": "ranking",
        "feature_flag.version": "1",
        "feature_flag.provider.name": "vectordb",
        "feature_flag.result.variant": arm,
        "feature_flag.result.reason": "split",
        "vectordb.reason": "split",
        "vectordb.units": 1,
    }


def test_many_are_told_by_kind(world: World, told: Told) -> None:
    exp = world.db.create_experiment(
        "ranking", arms={"x": 0.5, "y": 0.5}, unit="user", traffic=0.5, forced={"vip": "y"}
    )
    units = ["vip", *(f"u-{number}" for number in range(200))]
    with world.db.observe(told):
        answers = exp.expose_many(units)
    wanted = Counter((one.arm, one.reason) for one in answers)
    found = {
        (call.attributes.get("feature_flag.result.variant"), call.attributes["vectordb.reason"]): call.attributes
        for call in told[1:]
    }
    assert {key: attributes["vectordb.units"] for key, attributes in found.items()} == wanted
    assert found["y", "forced"]["feature_flag.result.reason"] == "targeting_match"
    assert found[None, "traffic"]["feature_flag.result.reason"] == "default"


def test_assigning_alone_exposes_nobody(world: World, told: Told) -> None:
    exp = world.db.create_experiment("ranking", arms={"x": 0.5, "y": 0.5}, unit="user")
    with world.db.observe(told):
        exp.assign("u-1")
        with pytest.raises(InvalidInput):
            exp.expose("")
    assert told.names == ["experiment.assign", "experiment.expose"]


def test_every_reason_has_a_well_known_one() -> None:
    assert {flag_reason(reason, arm) for reason in REASONS for arm in ("x", None)} <= WELL_KNOWN
    assert (flag_reason("stopped", "x"), flag_reason("stopped", None)) == ("static", "disabled")
    assert (flag_reason("sticky", "x"), flag_reason("holdout", None)) == ("cached", "default")
