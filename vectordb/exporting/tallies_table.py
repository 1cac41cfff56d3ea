"""The tallies of experiments as a table: one row an arm and metric, with exact moments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from projections import Moments, Tallies
from vectordb.exporting.table import FLOAT, INT, TEXT, Field, Row, Table, chunked

if TYPE_CHECKING:
    from vectordb.reader import Reader

FIELDS = (
    Field("experiment", TEXT), Field("version", INT), Field("as_of", INT), Field("arm", TEXT), Field("weight", FLOAT),
    Field("exposed", INT), Field("conflicted", INT), Field("forced", INT), Field("metric", TEXT),
    Field("aggregate", TEXT), Field("units", INT), Field("mean", FLOAT), Field("std", FLOAT), Field("total", TEXT),
    Field("squares", TEXT), Field("scale", TEXT),
)  # fmt: skip


def tallies_table(reader: Reader, name: str | None) -> Table:
    """Of a pinned reader: one experiment, or all.

    ``total / scale`` is the sum of a metric over the ``units`` of an arm and ``squares / scale**2`` that of its
    squares, exactly, as texts of whole numbers. An experiment without metrics has a row an arm.
    """
    names = reader.experiments() if name is None else [reader.experiment(name).name]

    def rows() -> Iterator[Row]:
        for one in names:
            yield from reader.consistently(_rows, reader, one)

    return Table("tallies", reader.as_of_offset, FIELDS, lambda: chunked(rows()))


def _rows(reader: Reader, name: str) -> list[Row]:
    tallies = reader.state.experiments.tallies(name, reader.as_of_offset)
    metrics = tallies.definition.metrics
    if not metrics:
        return [(*_arm(tallies, arm), *[None] * 8) for arm in tallies.exposed]
    return [
        (*_arm(tallies, arm), metric, one.aggregate, *_moments(moments))
        for metric, one in metrics.items()
        for arm, moments in tallies.moments(metric).items()
    ]


def _arm(tallies: Tallies, arm: str) -> Row:
    definition = tallies.definition
    said = (definition.name, definition.version, tallies.offset, arm, definition.arms.get(arm))
    return (*said, tallies.exposed[arm], tallies.conflicted, tallies.forced)


def _moments(moments: Moments) -> Row:
    exact = str(moments.total), str(moments.squares), str(moments.scale)
    return (moments.size, moments.mean, moments.std, *exact)
