"""Comparing what a reader shows with what the model says."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from ledger import ROW_BITS, ROW_MASK, from_micros
from tests.simulation.model import EXPIRED, Answer

if TYPE_CHECKING:
    from tests.simulation.workload import Workload


def compare_reader(
    work: Workload,
    reader: Any,
    offset: int,
    at: int,
    *,
    read_rules: tuple[str, ...] = (),
    ask_at: Any = None,
    sample: int | None = None,
    known: int | None = None,
) -> None:
    """Entities of every view defined at the offset: values bit for bit, statuses, sources, versions."""
    for view in work.views:
        if work.model.definition(view, offset) is None:
            assert view not in reader.views()
            continue
        table = reader.view(view)
        for entity in work.random.sample(work.entities, len(work.entities) if sample is None else sample):
            expected = work.model.read(view, entity, offset, at, known)
            compare_row(work, table.get(entity, at=ask_at), expected, (view, entity, offset, at))
            count_pairs(work, view, entity, expected, read_rules)
        if sample is not None:
            continue
        found = [entity for entity in work.entities if work.model.read(view, entity, offset, at).found]
        assert set(table.entities(at=ask_at)) == set(found)
        if ask_at is None:
            assert len(table) == len(found)


def compare_row(work: Workload, row: Any, expected: Answer, place: Any) -> None:
    assert row.found == expected.found, place
    assert list(row) == list(expected.values), place
    shown = {name: plain(row[name]) for name in row}
    assert shown == {name: as_shown(work, name, value) for name, value in expected.values.items()}, place
    assert {name: str(status) for name, status in row.status.items()} == expected.status, place
    sources = {name: (ref >> ROW_BITS, ref & ROW_MASK) if ref else None for name, ref in row.sources().items()}
    assert sources == expected.sources, place
    version = (row.ref >> ROW_BITS, row.ref & ROW_MASK) if row.ref else None
    assert version == expected.version, place
    assert {name: plain(value) for name, value in row.to_dict().items()} == shown, place


def plain(value: Any) -> Any:
    """A value with its bits and its type visible."""
    if isinstance(value, float):
        return ("float", struct.pack("<d", value))
    if isinstance(value, memoryview):
        return ("vector", value.tobytes())
    return (type(value).__name__, value)


def as_shown(work: Workload, name: str, value: Any) -> Any:
    if value is None:
        return plain(None)
    if name == "seen":
        return plain(from_micros(value * 1_000_000))
    if isinstance(value, (list, tuple)):
        return ("vector", work.cell(name, value))
    return plain(float(value) if name == "rating" else value)


def count_pairs(work: Workload, view: str, entity: Any, answer: Answer, read_rules: tuple[str, ...]) -> None:
    expired = ("expired",) if EXPIRED in answer.status.values() else ()
    work.met[frozenset((*work.rules.get((view, entity), ()), *read_rules, *expired))] += 1
