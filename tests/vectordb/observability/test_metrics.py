"""Metrics against a list of every call: counts exact, quantiles within a bucket, merging in any order."""

from __future__ import annotations

import json
import random
import threading
from itertools import pairwise
from typing import Any

import pytest

from tests.vectordb.world import FULL, World
from vectordb import HeadConflict, InvalidInput
from vectordb.observability import Family, Metrics, Sample, prometheus_text
from vectordb.observability.histogram import BOUNDS, SHOWN, Histogram
from vectordb.observability.metrics import Flag, Series

SEED = 20


def fed(seed: int, size: int, metrics: Metrics | None = None) -> tuple[Metrics, list[tuple[str, str, str, float, int]]]:
    """A metrics, and the calls that it saw."""
    random_, found = random.Random(seed), metrics or Metrics()
    calls = []
    for _ in range(size):
        operation, collection = random_.choice(["view.get", "view.put"]), random_.choice(["a", "b"])
        error = random_.choice(["", "", "", "InvalidCells"])
        duration, rows = random_.lognormvariate(-9, 3), random_.randrange(2, 9)
        attributes = {"db.collection.name": collection, "db.operation.batch.size": rows}
        if error:
            attributes["error.type"] = error
        found(operation, attributes, duration, ValueError() if error else None)
        calls.append((operation, collection, error, duration, 0 if error else rows))
    return found, calls


def test_counts_rows_and_sums_are_exact() -> None:
    metrics, calls = fed(SEED, 2_000)
    assert metrics.count() == 2_000
    for operation in ("view.get", "view.put"):
        for collection in ("a", "b", None):
            own = [call for call in calls if call[0] == operation and collection in (None, call[1])]
            assert metrics.count(operation, collection) == len(own)
            assert metrics.rows(operation, collection) == sum(call[4] for call in own)  # ints
            assert metrics.count(operation, collection, error=True) == len([call for call in own if call[2]])
            assert metrics.count(operation, collection, error=False) == len([call for call in own if not call[2]])
            assert metrics.count(operation, collection, error="InvalidCells") == len([c for c in own if c[2]])
            total = metrics.durations(operation, collection).total_ns
            assert total == sum(round(call[3] * 1e9) for call in own)  # ints


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.9, 0.99, 1.0])
def test_quantiles_are_within_a_bucket(share: float) -> None:
    metrics, calls = fed(SEED, 3_000)
    ordered = sorted(call[3] for call in calls)
    true = ordered[max(0, min(len(ordered) - 1, round(share * len(ordered)) - 1))]
    found = metrics.quantile(share)
    assert found is not None
    if BOUNDS[0] <= true <= BOUNDS[-1]:
        assert true / 1.29 <= found <= true * 1.29


def test_quantiles_of_few_and_of_none() -> None:
    assert Metrics().quantile(0.5) is None
    seen = Histogram()
    seen.add(500.0)  # beyond the last bound
    assert seen.quantile(1.0) == 500.0
    with pytest.raises(InvalidInput):
        seen.quantile(1.5)


def test_bounds_are_rising_and_those_shown_among_them() -> None:
    assert list(BOUNDS) == sorted(set(BOUNDS)) and BOUNDS[0] == 1e-7 and BOUNDS[-1] == 100.0
    assert set(SHOWN) <= set(BOUNDS)
    ratios = [high / low for low, high in pairwise(BOUNDS)]
    assert max(ratios) < 1.29


def test_a_duration_on_a_bound_is_within_it() -> None:
    seen = Histogram()
    seen.add(1e-6)
    assert dict(seen.cumulative())[1e-6] == 1 and dict(seen.cumulative())[5e-7] == 0


def test_merging_is_exact_in_any_order_and_through_json() -> None:
    parts = [fed(seed, 300)[0] for seed in (1, 2, 3)]
    whole = Metrics()
    for seed in (1, 2, 3):
        fed(seed, 300, whole)
    for order in ((0, 1, 2), (2, 0, 1)):
        merged = Metrics()
        for place in order:
            merged.merge(Metrics.from_dict(json.loads(json.dumps(parts[place].to_dict()))))
        assert _plain(merged) == _plain(whole)
    parts[0].merge(parts[0])
    assert parts[0].count() == 600


def _plain(metrics: Metrics) -> Any:
    data = metrics.to_dict()
    return sorted(map(repr, data["operations"])), sorted(map(repr, data["evaluations"]))


def test_memory_is_bounded() -> None:
    metrics = Metrics(max_series=5)
    for number in range(1_000):
        metrics("view.get", {"db.collection.name": f"view_{number}"}, 1e-6, None)
        metrics("view.get", {"db.collection.name": f"view_{number}", "error.type": f"E{number}"}, 1e-6, ValueError())
        flag = {"feature_flag.key": f"e{number}", "feature_flag.result.reason": "x"}
        metrics("feature_flag.evaluation", flag, 0.0, None)
    assert len(metrics) <= 7 and metrics.count() == 2_000 and metrics.count(error=True) == 1_000
    assert metrics.count("other") == 1_995
    assert len(metrics.evaluations()) <= 6 and sum(metrics.evaluations().values()) == 1_000  # ints
    assert Series("other", "other", "") in list(metrics)
    with pytest.raises(InvalidInput):
        Metrics(max_series=0)


def test_threads_lose_nothing() -> None:
    metrics = Metrics()

    def work() -> None:
        for _ in range(2_000):
            metrics("view.get", {}, 1e-6, None)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert metrics.count() == 8_000 == metrics.rows()


def test_of_a_database(world: World) -> None:
    metrics = Metrics()
    assert metrics
    with world.db.observe(metrics):
        world.drivers.put_many({"driver": ["a", "b"], "trips": [1, 2]})
        world.drivers.put("a", FULL)
        with pytest.raises(HeadConflict):
            world.drivers.put("a", FULL, expected_head=1)
        exp = world.db.create_experiment("ranking", arms={"x": 0.5, "y": 0.5}, unit="user", traffic=0.5)
        found = exp.expose_many([f"u-{number}" for number in range(100)])
        exp.expose("u-0")
    assert (metrics.count("view.put"), metrics.rows("view.put"), metrics.rows("view.put_many")) == (2, 1, 2)
    assert metrics.count("view.put", error="HeadConflict") == 1
    arms = [one.arm or "" for one in found] + [found[0].arm or ""]
    seen: dict[str, int] = {}
    for flag, units in metrics.evaluations().items():
        assert flag.key == "ranking" and flag.reason == ("split" if flag.variant else "default")
        seen[flag.variant] = seen.get(flag.variant, 0) + units
    assert seen == {arm: arms.count(arm) for arm in set(arms)}
    assert "errors=1" in repr(metrics)


def test_prometheus_text_in_plain_words() -> None:
    metrics = Metrics()
    metrics("view.get", {"db.collection.name": 'a"b\\c\nd'}, 3e-6, None)
    text = prometheus_text(metrics.families())
    labels = 'db_system_name="vectordb",db_operation_name="view.get",db_collection_name="a\\"b\\\\c\\nd"'
    assert f'db_client_operation_duration_seconds_bucket{{{labels},error_type="",le="2e-06"}} 0\n' in text
    assert f'db_client_operation_duration_seconds_bucket{{{labels},error_type="",le="5e-06"}} 1\n' in text
    assert f'db_client_operation_duration_seconds_bucket{{{labels},error_type="",le="+Inf"}} 1\n' in text
    assert f'db_client_operation_duration_seconds_sum{{{labels},error_type=""}} 3e-06\n' in text
    assert f"vectordb_operation_rows_total{{{labels}}} 1\n" in text
    assert "feature_flag" not in text and text.endswith("\n")
    assert prometheus_text([Family("up", "gauge", "a\nb", [Sample("", {}, 1)])]) == (
        "# HELP up a\\nb\n# TYPE up gauge\nup 1\n"
    )
    assert prometheus_text([]) == prometheus_text([Family("up", "gauge", "", [])]) == ""


def test_the_parser_of_prometheus_client_reads_it() -> None:
    parser = pytest.importorskip("prometheus_client.parser")
    metrics, calls = fed(SEED, 500)
    metrics("view.get", {"db.collection.name": 'a"b\\c\nd'}, 3e-6, None)
    metrics("feature_flag.evaluation", {"feature_flag.key": "e", "feature_flag.result.reason": "split"}, 0, None)
    found = {one.name: one for one in parser.text_string_to_metric_families(prometheus_text(metrics.families()))}
    durations = found["db_client_operation_duration_seconds"]
    assert durations.type == "histogram"
    counts = [sample for sample in durations.samples if sample.name.endswith("_count")]
    assert sum(sample.value for sample in counts) == 501  # ints
    assert {sample.labels["db_collection_name"] for sample in counts} == {"a", "b", 'a"b\\c\nd'}
    for bound in (1e-5, 1e-3):
        own = [s.value for s in durations.samples if s.labels.get("le") == repr(bound)]
        true = len([call for call in calls if call[3] <= bound]) + 1
        assert sum(own) == true  # ints
    assert found["feature_flag_evaluations"].type == "counter"
    assert Flag("e", "", "split") in metrics.evaluations()
