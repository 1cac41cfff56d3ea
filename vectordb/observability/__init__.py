"""Observability: hooks around every public operation, counters and histograms, adapters for a team's monitors.

While nothing observes, the operations are the plain methods: no branch, no cost (see ``switch``). With a hook in place
the methods of ``operations`` are wrapped (``wrapping``), and tell what happened as ``attributes``, under ``names``.
"""

from vectordb.observability.families import Family, Sample
from vectordb.observability.histogram import Histogram
from vectordb.observability.logging_hook import LoggingHook
from vectordb.observability.metrics import Flag, Metrics, Series
from vectordb.observability.observation import Hook, Observation
from vectordb.observability.observing import observe, observe_everywhere
from vectordb.observability.opentelemetry_hook import OpenTelemetryHook
from vectordb.observability.operations import OPERATIONS
from vectordb.observability.prometheus_hook import PrometheusHook
from vectordb.observability.prometheus_text import prometheus_text

__all__ = [
    "OPERATIONS",
    "Family",
    "Flag",
    "Histogram",
    "Hook",
    "LoggingHook",
    "Metrics",
    "Observation",
    "OpenTelemetryHook",
    "PrometheusHook",
    "Sample",
    "Series",
    "observe",
    "observe_everywhere",
    "prometheus_text",
]
