"""Prometheus' text format 0.0.4 of families of metrics.

Source: prometheus.io/docs/instrumenting/exposition_formats: backslash, quote and line feed of a label's value and
backslash and line feed of a help text are escaped; the last line ends in a line feed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from vectordb.observability.families import Family


def prometheus_text(families: Mapping[str, Family]) -> str:
    """What a scrape of ``/metrics`` gets, as ``text/plain; version=0.0.4``; families without samples are left out.

    >>> counter = {"type": "counter", "help": "All.", "samples": [("", {"a": "b"}, 3)]}
    >>> prometheus_text({"x_total": counter}).splitlines()
    ['# HELP x_total All.', '# TYPE x_total counter', 'x_total{a="b"} 3']
    """
    return "".join(_lines(families))


def _lines(families: Mapping[str, Family]) -> Iterator[str]:
    for name, family in families.items():
        if family["samples"]:
            yield f"# HELP {name} {_escaped(family['help'])}\n# TYPE {name} {family['type']}\n"
        for suffix, labels, value in family["samples"]:
            shown = ",".join('{}="{}"'.format(key, _escaped(text).replace('"', '\\"')) for key, text in labels.items())
            yield f"{name}{suffix}{{{shown}}} {value!r}\n" if shown else f"{name}{suffix} {value!r}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")
