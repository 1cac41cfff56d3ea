"""Prometheus text: metric families in the exposition format, version 0.0.4.

Source: prometheus.io/docs/instrumenting/exposition_formats. A family is a HELP line, a TYPE line and its samples;
backslashes and line feeds are escaped, in label values double quotes too; the text ends with a line feed. Numbers
read back exactly (``repr``). Downside: no exemplars and no units, which OpenMetrics has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from math import isinf, isnan
from typing import Final

from ledger import InvalidInput
from vectordb.observability.families import Family

KINDS: Final = frozenset({"counter", "gauge", "histogram", "summary", "untyped"})
METRIC: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*\Z")
LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")


def prometheus_text(families: Iterable[Family]) -> str:
    """What a scrape of ``/metrics`` gets, as ``text/plain; version=0.0.4``. 2 us a sample; a family
    without samples is left out.

    Raises ``InvalidInput`` for names that the format does not have, and for labels and help that are no text.

    >>> from vectordb.observability import Sample
    >>> prometheus_text([Family("up", "gauge", "Whether it is up.", [Sample("", {"job": "db"}, 1)])])
    '# HELP up Whether it is up.\\n# TYPE up gauge\\nup{job="db"} 1\\n'
    """
    lines: list[str] = []
    for family in families:
        if not METRIC.match(family.name) or family.kind not in KINDS:
            raise InvalidInput("a metric has a name and a kind of the format", name=family.name, kind=family.kind)
        samples = list(family.samples)
        for suffix in {one.suffix for one in samples}:
            if suffix and not METRIC.match(family.name + suffix):
                raise InvalidInput("a sample has a name of the format", name=family.name + suffix)
        found = [f"{family.name}{one.suffix}{_labels(one.labels)} {_number(one.value)}" for one in samples]
        if found:
            head = f"# HELP {family.name} {_escaped(family.help)}", f"# TYPE {family.name} {family.kind}"
            lines += [*head, *found]
    return "".join(f"{line}\n" for line in lines)


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    for name in labels:
        if not LABEL.match(name) or name.startswith("__"):
            raise InvalidInput("a label has a name of the format", name=name)
    quoted = ((name, _escaped(value).replace('"', '\\"')) for name, value in labels.items())
    return "{" + ",".join(f'{name}="{value}"' for name, value in quoted) + "}"


def _escaped(text: str) -> str:
    if not isinstance(text, str) or not (text.isascii() or _is_whole(text)):
        raise InvalidInput("labels and help are text that UTF-8 can hold", type=type(text).__name__)
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _is_whole(text: str) -> bool:
    """Whether a text has no lone surrogates."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _number(value: float) -> str:
    if isnan(value):
        return "NaN"
    if isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))
