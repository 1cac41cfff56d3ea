"""Health and metrics."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from vectordb.serving.call import Call
from vectordb.serving.prometheus import CONTENT_TYPE, Family, Sample, render_metrics
from vectordb.serving.response import Response, json_response


def health(call: Call) -> Response:
    """Whether it serves, at which offset; of a follower also how long ago it read its file. 503 where it cannot."""
    db, following = call.db, call.app.following
    offset = db.consistently(lambda: db.as_of_offset)
    body = {"status": "ok", "as_of": offset, "live": db.live}
    if following is not None:
        body |= {"refreshed_s_ago": round(following.age_s, 6), "status": "behind" if following.failing else "ok"}
    return json_response(body, 200 if body["status"] == "ok" else 503)


def metrics(call: Call) -> Response:
    """Prometheus text."""
    given = () if call.app.metrics is None else call.app.metrics()
    text = render_metrics(chain(call.app.meters.families(), _database(call), given))
    return Response(200, text.encode("utf-8"), CONTENT_TYPE)


def _database(call: Call) -> Iterator[Family]:
    db, following = call.db, call.app.following
    offset = db.as_of_offset
    yield Family("vectordb_offset", "gauge", "The offset that reads see.", [Sample("", {}, offset)])
    if offset > 0:
        last = db.state.log.time_of(offset) / 1e6
        text = "When the event of that offset was recorded, in seconds since 1970."
        yield Family("vectordb_recorded_timestamp_seconds", "gauge", text, [Sample("", {}, last)])
    if following is not None:
        text = "Seconds since the follower read its file."
        yield Family("vectordb_refresh_age_seconds", "gauge", text, [Sample("", {}, following.age_s)])
        text = "Refreshes of the follower that failed."
        yield Family("vectordb_refresh_failures_total", "counter", text, [Sample("", {}, following.failures)])
