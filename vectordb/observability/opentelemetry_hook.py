"""A hook that makes spans and feeds a meter of OpenTelemetry, whose modules the caller gives."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from vectordb.observability.names import (
    BATCH,
    COLLECTION,
    DURATION,
    ERROR,
    EVALUATION,
    FLAG,
    OPERATION,
    REASON,
    RETURNED,
    SYSTEM,
    UNITS,
    VARIANT,
)

SCOPE: Final = "vectordb"
MEASURED: Final = (SYSTEM, OPERATION, COLLECTION, ERROR)  # few values each: what a histogram is split by
# The convention's own advice, and below it what reads in memory take.
BOUNDS: Final = (1e-6, 5e-6, 1e-5, 5e-5, 1e-4, 5e-4, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)


class OpenTelemetryHook:
    """``db.observe(OpenTelemetryHook(opentelemetry.trace, opentelemetry.metrics))``; either may be left out.

    With ``trace`` every operation is a span of kind INTERNAL (the convention's for a database in the process), a child
    of the span that is current where it was called; an exposure is an event ``feature_flag.evaluation`` of that span.
    With ``metrics`` durations go to the histogram ``db.client.operation.duration``, rows returned to
    ``db.client.response.returned_rows``, batches to ``vectordb.operation.rows``. Providers: the global ones, or those
    given. An error's text is not exported, only its kind.
    """

    def __init__(
        self, trace: Any = None, metrics: Any = None, *, tracer_provider: Any = None, meter_provider: Any = None
    ) -> None:
        self._trace = trace
        self._tracer = None if trace is None else trace.get_tracer(SCOPE, tracer_provider=tracer_provider)
        self._durations: Any = None
        if metrics is not None:
            meter = metrics.get_meter(SCOPE, meter_provider=meter_provider)
            said = "Duration of database client operations."
            self._durations = meter.create_histogram(DURATION, "s", said, explicit_bucket_boundaries_advisory=BOUNDS)
            self._returned = meter.create_histogram("db.client.response.returned_rows", "{row}", "Rows of answers.")
            self._rows = meter.create_counter("vectordb.operation.rows", "{row}", "Rows of operations that succeeded.")
            self._flags = meter.create_counter("vectordb.feature_flag.evaluations", "{unit}", "Units exposed to arms.")

    def __call__(
        self, operation: str, attributes: Mapping[str, Any], duration: float, error: BaseException | None
    ) -> None:
        if operation == EVALUATION:
            self._evaluated(attributes)
            return
        if self._durations is not None:
            self._measure(attributes, duration, error)
        if self._tracer is not None:
            self._span(operation, attributes, duration, error)

    def _measure(self, attributes: Mapping[str, Any], duration: float, error: BaseException | None) -> None:
        few = {name: attributes[name] for name in MEASURED if name in attributes}
        self._durations.record(duration, few)
        if RETURNED in attributes:
            self._returned.record(attributes[RETURNED], few)
        if error is None:
            self._rows.add(attributes.get(BATCH, 1), few)

    def _span(
        self, operation: str, attributes: Mapping[str, Any], duration: float, error: BaseException | None
    ) -> None:
        end = time.time_ns()
        name = f"{operation} {attributes[COLLECTION]}" if COLLECTION in attributes else operation
        span: Any = self._tracer.start_span(  # type: ignore[union-attr]
            name,
            kind=self._trace.SpanKind.INTERNAL,
            attributes=dict(attributes),
            start_time=end - round(duration * 1e9),
        )
        if error is not None:
            span.set_status(self._trace.Status(self._trace.StatusCode.ERROR, attributes[ERROR]))
        span.end(end_time=end)

    def _evaluated(self, attributes: Mapping[str, Any]) -> None:
        if self._trace is not None:
            self._trace.get_current_span().add_event(EVALUATION, dict(attributes))
        if self._durations is not None:
            few = {name: attributes[name] for name in (FLAG, VARIANT, REASON) if name in attributes}
            self._flags.add(attributes.get(UNITS, 1), few)
