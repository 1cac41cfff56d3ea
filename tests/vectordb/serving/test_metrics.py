"""Metrics of an application: its own counters, the database's, and those that it is given."""

from __future__ import annotations

import pytest

from tests.vectordb.serving.serving_world import call_wsgi, make_application, make_world
from vectordb import InvalidInput
from vectordb.observability import Family, Metrics, Sample, prometheus_text
from vectordb.serving import Application
from vectordb.serving.meters import BUCKETS_S


def test_metrics_count_every_request() -> None:
    app = make_application(metrics=lambda: [Family("mine", "gauge", "Mine\\\n", [Sample("", {"a": 'q"\\\n'}, 1.5)])])
    for _ in range(3):
        call_wsgi(app, "GET", "/views/drivers/d-7")
    call_wsgi(app, "GET", "/nothing/at/all")
    call_wsgi(app, "POST", "/get-online-features", {"features": ["users:age"], "entities": {"user": ["a", "b"]}})
    answer = call_wsgi(app, "GET", "/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    text = answer.body.decode()
    route = 'route="/views/{view}/{entity...}",method="GET"'
    assert f'vectordb_http_requests_total{{{route},status="200"}} 3\n' in text
    assert 'vectordb_http_requests_total{route="other",method="GET",status="404"} 1\n' in text
    assert f'vectordb_http_request_duration_seconds_bucket{{{route},le="+Inf"}} 3\n' in text
    assert f"vectordb_http_request_duration_seconds_count{{{route}}} 3\n" in text
    assert 'vectordb_http_rows_total{route="/get-online-features"} 2\n' in text and "vectordb_offset 16\n" in text
    assert '# HELP mine Mine\\\\\\n\n# TYPE mine gauge\nmine{a="q\\"\\\\\\n"} 1.5\n' in text and text.endswith("\n")


def test_prometheus_reads_what_we_write() -> None:
    parser = pytest.importorskip("prometheus_client.parser")
    app = make_application()
    for target in ("/views", "/views/nobody", "/views"):
        call_wsgi(app, "GET", target)
    families = {one.name: one for one in parser.text_string_to_metric_families(
        call_wsgi(app, "GET", "/metrics").body.decode())}  # fmt: skip
    buckets = [one for one in families["vectordb_http_request_duration_seconds"].samples
               if one.name.endswith("_bucket") and one.labels["route"] == "/views"]  # fmt: skip
    counts = [one.value for one in buckets]
    assert counts == sorted(counts) and counts[-1] == 2
    assert [one.labels["le"] for one in buckets] == [*map(repr, BUCKETS_S), "+Inf"]  # 1.0, as in all other families
    assert {one.labels["status"] for one in families["vectordb_http_requests"].samples} == {"200", "404"}


def test_names_and_numbers_of_the_text_format() -> None:
    values = [float("nan"), float("inf"), float("-inf"), 1e300, 0.1, 2.0, -3]
    lines = prometheus_text([Family("m", "untyped", "", [Sample("", {}, value) for value in values])]).splitlines()[2:]
    assert lines == ["m NaN", "m +Inf", "m -Inf", "m 1e+300", "m 0.1", "m 2", "m -3"]
    for family in (Family("1m", "gauge", "", []), Family("m", "thing", "", []),
                   Family("m", "gauge", "", [Sample("", {"__x": ""}, 1)]),
                   Family("m", "gauge", "", [Sample(" 1\nn", {}, 1)])):  # fmt: skip
        with pytest.raises(InvalidInput):
            prometheus_text([family])


def test_the_counters_of_hooks_stand_beside_those_of_requests() -> None:
    parser = pytest.importorskip("prometheus_client.parser")
    db, metrics = make_world(), Metrics()
    app = Application(db, metrics=metrics)
    with db.observe(metrics):
        for _ in range(3):
            call_wsgi(app, "GET", "/views/drivers/d-7")
        text = call_wsgi(app, "GET", "/metrics").body.decode()
    found = {one.name: one for one in parser.text_string_to_metric_families(text)}
    counts = [one.value for one in found["db_client_operation_duration_seconds"].samples
              if one.name.endswith("_count") and one.labels["db_operation_name"] == "view.get"]  # fmt: skip
    assert counts == [3] and "vectordb_http_requests" in found and "vectordb_offset" in found
