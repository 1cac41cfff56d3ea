"""Families: metrics as Prometheus names them, in plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypedDict

from vectordb.observability.histogram import Histogram

Sample = tuple[str, dict[str, str], "int | float"]  # what follows the family's name, labels, value

DURATION: Final = "db_client_operation_duration_seconds"
ROWS: Final = "vectordb_operation_rows_total"
EVALUATIONS: Final = "feature_flag_evaluations_total"


class Family(TypedDict):
    """``{"type": "histogram", "help": "...", "samples": [("_bucket", {"le": "1e-06", ...}, 3), ...]}``."""

    type: str
    help: str
    samples: list[Sample]


def families(
    durations: Mapping[Any, Histogram], rows: Mapping[Any, int], flags: Mapping[Any, int]
) -> dict[str, Family]:
    """The families of what a ``Metrics`` holds. The names are those that OpenTelemetry's exporter to Prometheus gives.

    Rows are a counter of successful calls; a label without a value is empty, which Prometheus takes as absent.
    """
    timed: list[Sample] = []
    for series, seen in durations.items():
        labels = {**_labels(series), "error_type": series.error}
        timed += [("_bucket", {**labels, "le": repr(bound)}, count) for bound, count in seen.cumulative()]
        size = seen.count
        timed += [("_bucket", {**labels, "le": "+Inf"}, size), ("_sum", labels, seen.total_ns / 1e9)]
        timed.append(("_count", labels, size))
    counted: list[Sample] = [("", _labels(series), count) for series, count in rows.items() if not series.error]
    evaluated: list[Sample] = [
        ("", {"feature_flag_key": key, "feature_flag_result_variant": arm, "feature_flag_result_reason": why}, units)
        for (key, arm, why), units in flags.items()
    ]
    return {
        DURATION: Family(type="histogram", help="Duration of operations in seconds.", samples=timed),
        ROWS: Family(type="counter", help="Rows of operations that succeeded.", samples=counted),
        EVALUATIONS: Family(type="counter", help="Units exposed to arms of experiments.", samples=evaluated),
    }


def _labels(series: Any) -> dict[str, str]:
    return {
        "db_system_name": "vectordb",
        "db_operation_name": series.operation,
        "db_collection_name": series.collection,
    }
