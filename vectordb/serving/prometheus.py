"""Prometheus text: metric families in the exposition format, version 0.0.4.

Source: prometheus.io/docs/instrumenting/exposition_formats. A family is a HELP line, a TYPE line and its samples;
backslashes and line feeds are escaped, in label values double quotes too; the text ends with a line feed. Numbers
read back exactly (``repr``). Downside: no exemplars and no units, which OpenMetrics has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from math import isinf, isnan
from typing import Final, NamedTuple

from ledger import InvalidInput

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
KINDS: Final = frozenset({"counter", "gauge", "histogram", "summary", "untyped"})
METRIC: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*\Z")
LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")


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


def render_metrics(families: Iterable[Family]) -> str:
    """The text of some families. Raises ``InvalidInput`` for names that the format does not have. 2 us a sample.

    >>> render_metrics([Family("up", "gauge", "Whether it is up.", [Sample("", {"job": "db"}, 1)])])
    '# HELP up Whether it is up.\\n# TYPE up gauge\\nup{job="db"} 1\\n'
    """
    lines: list[str] = []
    for family in families:
        if not METRIC.match(family.name) or family.kind not in KINDS:
            raise InvalidInput("a metric has a name and a kind of the format", name=family.name, kind=family.kind)
        text = family.help.replace("\\", "\\\\").replace("\n", "\\n")
        lines.append(f"# HELP {family.name} {text}")
        lines.append(f"# TYPE {family.name} {family.kind}")
        lines += [f"{family.name}{one.suffix}{_labels(one.labels)} {_number(one.value)}" for one in family.samples]
    return "".join(f"{line}\n" for line in lines)


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    for name in labels:
        if not LABEL.match(name) or name.startswith("__"):
            raise InvalidInput("a label has a name of the format", name=name)
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    if isnan(value):
        return "NaN"
    if isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))
