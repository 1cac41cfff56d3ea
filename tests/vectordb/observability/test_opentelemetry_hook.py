"""The hook of OpenTelemetry, against its SDK's in-memory exporters."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vectordb.world import FULL, World
from vectordb import HeadConflict
from vectordb.experiments.assignment import REASONS
from vectordb.observability import OpenTelemetryHook, names
from vectordb.observability.evaluations import flag_reason


def test_spans_and_events(world: World) -> None:
    trace = pytest.importorskip("opentelemetry.trace")
    sdk = pytest.importorskip("opentelemetry.sdk.trace")
    export = pytest.importorskip("opentelemetry.sdk.trace.export")
    memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    kept = memory.InMemorySpanExporter()
    provider = sdk.TracerProvider()
    provider.add_span_processor(export.SimpleSpanProcessor(kept))
    exp = world.db.create_experiment("ranking", arms={"x": 1.0}, unit="user")
    tracer = provider.get_tracer("the service")
    hook = OpenTelemetryHook(trace, tracer_provider=provider)
    with world.db.observe(hook) as seen, tracer.start_as_current_span("request"):
        world.drivers.put("a", FULL)
        with pytest.raises(HeadConflict):
            world.drivers.put("a", FULL, expected_head=1)
        exp.expose("u-1")
    assert seen.errors == 0
    put, failed, expose, request = kept.get_finished_spans()
    assert [one.name for one in (put, failed, expose)] == ["view.put drivers"] * 2 + ["experiment.expose ranking"]
    assert {one.parent.span_id for one in (put, failed, expose)} == {request.context.span_id}
    assert put.kind is trace.SpanKind.INTERNAL and put.attributes["db.system.name"] == "vectordb"
    assert put.attributes["db.operation.name"] == "view.put" and put.status.status_code is trace.StatusCode.UNSET
    assert request.start_time <= put.start_time <= put.end_time <= request.end_time
    assert failed.status.status_code is trace.StatusCode.ERROR and failed.attributes["error.type"] == "HeadConflict"
    (event,) = request.events
    assert event.name == "feature_flag.evaluation"
    assert event.attributes["feature_flag.result.variant"] == "x"


def test_measurements(world: World) -> None:
    metrics = pytest.importorskip("opentelemetry.metrics")
    sdk = pytest.importorskip("opentelemetry.sdk.metrics")
    export = pytest.importorskip("opentelemetry.sdk.metrics.export")
    reader = export.InMemoryMetricReader()
    provider = sdk.MeterProvider([reader])
    exp = world.db.create_experiment("ranking", arms={"x": 1.0}, unit="user")
    with world.db.observe(OpenTelemetryHook(metrics=metrics, meter_provider=provider)) as seen:
        world.drivers.put_many({"driver": ["a", "b"], "trips": [1, 2]})
        for _ in range(3):
            world.drivers.get("a")
        with pytest.raises(HeadConflict):
            world.drivers.put("a", FULL, expected_head=1)
        exp.expose_many(["u-1", "u-2"])
    assert seen.errors == 0
    found = {one.name: one for one in _measured(reader)}
    durations = found["db.client.operation.duration"]
    counts = {point.attributes["db.operation.name"]: point.count for point in durations.data.data_points}
    assert counts == {"view.put_many": 1, "view.get": 3, "view.put": 1, "experiment.expose_many": 1}
    assert durations.unit == "s"
    assert {key for point in durations.data.data_points for key in point.attributes} == {
        "db.system.name", "db.operation.name", "db.collection.name", "error.type",
    }  # fmt: skip
    rows = {p.attributes["db.operation.name"]: p.value for p in found["vectordb.operation.rows"].data.data_points}
    assert rows == {"view.put_many": 2, "view.get": 3, "experiment.expose_many": 2}
    (flag,) = found["vectordb.feature_flag.evaluations"].data.data_points
    assert flag.value == 2 and flag.attributes["feature_flag.key"] == "ranking"
    (returned,) = found["db.client.response.returned_rows"].data.data_points
    assert (returned.count, returned.sum) == (3, 3)


def _measured(reader: Any) -> list[Any]:
    data = reader.get_metrics_data()
    return [one for resource in data.resource_metrics for scope in resource.scope_metrics for one in scope.metrics]


def test_names_are_those_of_the_conventions() -> None:
    where = pytest.importorskip("opentelemetry.semconv._incubating").__name__
    known: set[str] = set()
    for part in ("attributes.db_attributes", "attributes.feature_flag_attributes", "metrics.db_metrics"):
        known |= {one for one in vars(pytest.importorskip(f"{where}.{part}")).values() if isinstance(one, str)}
    known |= {pytest.importorskip("opentelemetry.semconv.attributes.error_attributes").ERROR_TYPE}
    said = [one for one in vars(names).values() if isinstance(one, str)]
    ours = {one for one in said if one.startswith(("db.", "feature_flag.", "error."))}
    assert len(ours) > 9 and ours - known == {names.EVALUATION}  # that is the name of an event
    flags = pytest.importorskip(f"{where}.attributes.feature_flag_attributes")
    reasons = {one.value for one in flags.FeatureFlagResultReasonValues}
    assert {flag_reason(reason, arm) for reason in REASONS for arm in (None, "a")} <= reasons
