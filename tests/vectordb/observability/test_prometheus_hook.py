"""The hook of prometheus_client, against Metrics and its own exposition."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vectordb.world import FULL, World
from vectordb import HeadConflict
from vectordb.observability import Metrics, PrometheusHook, prometheus_text


def test_it_counts_what_metrics_counts(world: World) -> None:
    prometheus_client = pytest.importorskip("prometheus_client")
    parser = pytest.importorskip("prometheus_client.parser")
    registry, metrics = prometheus_client.CollectorRegistry(), Metrics()
    exp = world.db.create_experiment("ranking", arms={"x": 0.5, "y": 0.5}, unit="user")
    hook = PrometheusHook(prometheus_client, registry=registry)
    with world.db.observe(hook) as seen, world.db.observe(metrics):
        world.drivers.put_many({"driver": ["a", "b"], "trips": [1, 2]})
        with pytest.raises(HeadConflict):
            world.drivers.put("a", FULL, expected_head=1)
        for _ in range(5):
            world.drivers.get("a")
        exp.expose_many(["u-1", "u-2", "u-3"])
    assert seen.errors == 0
    theirs = _samples(parser, prometheus_client.generate_latest(registry).decode())
    ours = _samples(parser, prometheus_text(metrics.families()))
    assert {key: value for key, value in theirs.items() if "_sum" not in key[0]} == {
        key: value for key, value in ours.items() if "_sum" not in key[0]
    }
    sums = [key for key in ours if key[0].endswith("_sum")]
    assert sums and all(theirs[key] == pytest.approx(ours[key], abs=1e-8) for key in sums)


def _samples(parser: Any, text: str) -> dict[Any, float]:
    """Name and labels of every sample -> value; ``_created`` times aside, bounds as numbers."""
    found = {}
    for family in parser.text_string_to_metric_families(text):
        for name, labels, value, *_ in family.samples:
            if not name.endswith("_created"):
                shown = {key: repr(float(text)) if key == "le" else text for key, text in labels.items()}
                found[name, tuple(sorted(shown.items()))] = value
    return found
