"""A hook that feeds metrics of ``prometheus_client``, which the caller gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vectordb.observability.families import DURATION, EVALUATIONS, FLAG_LABELS, ROWS
from vectordb.observability.histogram import SHOWN
from vectordb.observability.names import (
    BATCH,
    COLLECTION,
    ERROR,
    EVALUATION,
    FLAG,
    REASON,
    SYSTEM_IS,
    UNITS,
    VARIANT,
)

LABELS = ("db_system_name", "db_operation_name", "db_collection_name")


class PrometheusHook:
    """Histogram, rows and evaluations under the names of ``Metrics.families``, in a registry of ``prometheus_client``.

    ``db.observe(PrometheusHook(prometheus_client))``; ``registry`` is where they are registered (None: the default
    one), once a registry. ``buckets`` are bounds in seconds; OpenTelemetry's own begin at a millisecond, most reads end
    before.
    """

    def __init__(self, prometheus_client: Any, *, registry: Any = None, buckets: Sequence[float] = SHOWN) -> None:
        where = {"registry": prometheus_client.REGISTRY if registry is None else registry}
        self._durations = prometheus_client.Histogram(
            DURATION, "Duration of operations in seconds.", (*LABELS, "error_type"), buckets=tuple(buckets), **where
        )
        self._rows = prometheus_client.Counter(ROWS, "Rows of operations that succeeded.", LABELS, **where)
        self._flags = prometheus_client.Counter(
            EVALUATIONS, "Units exposed to arms of experiments.", FLAG_LABELS, **where
        )

    def __call__(
        self, operation: str, attributes: Mapping[str, Any], duration: float, error: BaseException | None
    ) -> None:
        if operation == EVALUATION:
            flag = attributes[FLAG], attributes.get(VARIANT, ""), attributes[REASON]
            self._flags.labels(*flag).inc(attributes.get(UNITS, 1))
            return
        labels = SYSTEM_IS, operation, attributes.get(COLLECTION, "")
        self._durations.labels(*labels, attributes.get(ERROR, "")).observe(duration)
        if error is None:
            self._rows.labels(*labels).inc(attributes.get(BATCH, 1))
