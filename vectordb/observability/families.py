"""Families: metrics as Prometheus names them, in plain data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from vectordb.observability.histogram import SHOWN, Histogram

DURATION: Final = "db_client_operation_duration_seconds"
ROWS: Final = "vectordb_operation_rows_total"
FLAG_LABELS: Final = ("feature_flag_key", "feature_flag_result_variant", "feature_flag_result_reason")
EVALUATIONS: Final = "feature_flag_evaluations_total"


class Sample(NamedTuple):
    """One line: the suffix of the family's name (``_bucket``, or none), labels, and the value."""

    suffix: str
    labels: Mapping[str, str]
    value: float


class Family(NamedTuple):
    """A metric with all its samples; ``kind`` is counter, gauge, histogram, summary or untyped."""

    name: str
    kind: str
    help: str
    samples: Iterable[Sample]


def families(durations: Mapping[Any, Histogram], rows: Mapping[Any, int], flags: Mapping[Any, int]) -> list[Family]:
    """The families of what a ``Metrics`` holds. The names are those that OpenTelemetry's exporter to Prometheus gives.

    Rows are a counter of successful calls; a label without a value is empty, which Prometheus takes as absent.
    """
    timed: list[Sample] = []
    for series, seen in durations.items():
        timed += histogram_samples(seen, {**_labels(series), "error_type": series.error})
    counted = [Sample("", _labels(series), count) for series, count in rows.items() if not series.error]
    evaluated = [Sample("", dict(zip(FLAG_LABELS, flag)), units) for flag, units in flags.items()]
    return [
        Family(DURATION, "histogram", "Duration of operations in seconds.", timed),
        Family(ROWS, "counter", "Rows of operations that succeeded.", counted),
        Family(EVALUATIONS, "counter", "Units exposed to arms of experiments.", evaluated),
    ]


def histogram_samples(seen: Histogram, labels: Mapping[str, str], bounds: Sequence[float] = SHOWN) -> Iterator[Sample]:
    """The buckets, cumulative and up to ``bounds`` (some of those of histograms), the sum in seconds and the count."""
    for bound, count in seen.cumulative(bounds):
        yield Sample("_bucket", {**labels, "le": repr(bound)}, count)
    size = seen.count
    yield Sample("_bucket", {**labels, "le": "+Inf"}, size)
    yield Sample("_sum", labels, seen.total_ns / 1e9)
    yield Sample("_count", labels, size)


def _labels(series: Any) -> dict[str, str]:
    return {
        "db_system_name": "vectordb",
        "db_operation_name": series.operation,
        "db_collection_name": series.collection,
    }
