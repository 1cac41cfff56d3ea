"""Unfounded: what rests on erased values, as the erasures themselves say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ledger import ROW_BITS, ROW_MASK, EntityErased, Log, PredictionsRecorded
from vectordb.lineage.nodes import text_of
from vectordb.views.version import find_row, version_id

if TYPE_CHECKING:
    from vectordb.predictions.prediction import Prediction
    from vectordb.reader import Reader
    from vectordb.views.version import Version


@dataclass(frozen=True)
class Unfounded:
    """``id`` can no longer be made again from the log, because of the erasure at offset ``by``."""

    id: str
    by: int
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def unfounded(reader: Reader, what: str | Version | Prediction | None = None) -> tuple[Unfounded, ...]:
    """See ``Audit.unfounded``. 2 us an erasure."""
    log, limit = reader.state.log, reader.as_of_offset
    erasures = [(offset, fact) for offset, fact in log.registry.erasures if offset <= limit]
    if what is None:
        return tuple(one for offset, fact in erasures for one in _of_erasure(log, offset, fact))
    name = text_of(what)
    kind, colon, label = name.partition(":")
    if colon and kind in ("pipeline", "training_set"):
        held = [(offset, fact) for offset, fact in erasures if label in getattr(fact.unfounded, f"{kind}s")]
    else:
        refs, pipeline = _rests_on(log, find_row(log, name, limit).ref)
        held = [one for one in erasures if not refs.isdisjoint(one[1].unfounded.versions)]
        held += [one for one in erasures if one not in held and pipeline in one[1].unfounded.pipelines]
    held.sort(key=lambda one: one[0])
    return tuple(Unfounded(name, offset, _reason(offset, fact)) for offset, fact in held)


def _rests_on(log: Log, ref: int) -> tuple[set[int], str]:
    """A row itself; of a prediction also what it read, and the label of its pipeline."""
    fact = log.event(ref >> ROW_BITS).fact
    if not isinstance(fact, PredictionsRecorded):
        return {ref}, ""
    pipeline = f"{fact.service.partition('@')[0]}#{fact.pipeline}" if fact.pipeline else ""
    return {ref, *fact.predictions[ref & ROW_MASK].sources}, pipeline


def _of_erasure(log: Log, offset: int, fact: EntityErased) -> Iterator[Unfounded]:
    made, reason = fact.unfounded, _reason(offset, fact)
    ids = [name for name in (version_id(log, ref) for ref in made.versions) if "/" in name]  # others are gone too
    ids += [f"pipeline:{label}" for label in made.pipelines] + [f"training_set:{name}" for name in made.training_sets]
    yield from (Unfounded(found, offset, reason) for found in ids)


def _reason(offset: int, fact: EntityErased) -> str:
    return f"rests on values of the view {fact.view} that event {offset} erased: {fact.reason}"
