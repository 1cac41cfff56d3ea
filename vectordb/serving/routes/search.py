"""Similarity search in a view."""

from __future__ import annotations

from typing import Any

from vectordb.serving.http.refusal import BadRequest
from vectordb.serving.http.response import Response, json_response
from vectordb.serving.routes.call import Call
from vectordb.views.hits import Hits


def search(call: Call) -> Response:
    """The nearest entities of one ``query``, or of each of ``queries``."""
    body = call.body
    view = call.reader_of(body).view(call.names["view"])
    feature, k = body.text("feature"), body.whole("k", 10, 1, call.limits.k)
    options: dict[str, Any] = {"where": body.object("where", None), "at": call.at_of(body)}
    options |= {"exact": body.flag("exact", False), "recall": body.take("recall", 0.95)}
    one, many = body.items("query", 1 << 20, None), body.items("queries", call.limits.queries, None)
    body.done()
    if (one is None) == (many is None):
        raise BadRequest("a search has a query, or queries")
    queries = [_vector(query) for query in ([one] if many is None else many)]
    call.rows = len(queries)
    if many is None:
        return json_response(_hits(view.search(feature, queries[0], k, **options)))
    return json_response({"searches": [_hits(hits) for hits in view.search_many(feature, queries, k, **options)]})


def _vector(query: Any) -> list[Any]:
    if type(query) is list and all(type(number) in (int, float) for number in query):
        return query
    raise BadRequest("a query is a list of numbers", type=type(query).__name__)


def _hits(hits: Hits) -> dict[str, Any]:
    return {"hits": hits.to_rows(), "as_of": hits.as_of, "at": hits.at, "exact": hits.exact}
