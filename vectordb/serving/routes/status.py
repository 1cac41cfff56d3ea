"""Health and metrics."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Final

from vectordb.observability import Family, Sample, prometheus_text
from vectordb.serving.http.refusal import PartFailed
from vectordb.serving.http.response import Response, json_response
from vectordb.serving.routes.call import Call

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


def health(call: Call) -> Response:
    """Whether it serves, at which offset; of a follower also how long ago it read its file. 503 where it cannot."""
    db, refresher = call.db, call.app.refresher
    offset = db.consistently(lambda: db.as_of_offset)
    body = {"status": call.app.condition, "as_of": offset, "live": db.live}
    if refresher is not None:
        body |= {"refreshed_s_ago": round(refresher.age_s, 6)}
    return json_response(body, 200 if body["status"] == "ok" else 503)


def metrics(call: Call) -> Response:
    """Prometheus text."""
    text = prometheus_text(chain(call.app.meters.families(), _database(call))) + _given(call)
    return Response(200, text.encode("utf-8"), CONTENT_TYPE)


def _given(call: Call) -> str:
    """Of the caller's own families."""
    if call.app.metrics is None:
        return ""
    try:
        return prometheus_text(call.app.metrics())
    except Exception as error:
        raise PartFailed("the given metrics") from error


def _database(call: Call) -> Iterator[Family]:
    db, refresher = call.db, call.app.refresher
    offset = db.as_of_offset
    yield Family("vectordb_offset", "gauge", "The offset that reads see.", [Sample("", {}, offset)])
    if offset > 0:
        last = db.state.log.time_of(offset) / 1e6
        text = "When the event of that offset was recorded, in seconds since 1970."
        yield Family("vectordb_recorded_timestamp_seconds", "gauge", text, [Sample("", {}, last)])
    if refresher is not None:
        text = "Seconds since the follower read its file."
        yield Family("vectordb_refresh_age_seconds", "gauge", text, [Sample("", {}, refresher.age_s)])
        text = "Refreshes of the follower that failed."
        yield Family("vectordb_refresh_failures_total", "counter", text, [Sample("", {}, refresher.failures)])
