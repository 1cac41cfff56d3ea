"""Links: the edges into and out of any node, as of an offset; found when they are asked for."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from ledger import (
    ROW_BITS,
    ROW_MASK,
    Fact,
    FittedPipeline,
    PredictionsRecorded,
    TrainingSetRecord,
)
from projections import Uses, made_by
from vectordb.lineage.definitions import DefinitionLinks
from vectordb.lineage.fits import links_of_fits
from vectordb.lineage.nodes import SERVES, Key, Link, Node, node_kind, row_node, unknown

if TYPE_CHECKING:
    from vectordb.state import State


class Links:
    """The graph of everything recorded up to an offset. Costs what is asked of it; nothing is kept but ``Uses``."""

    def __init__(self, state: State, limit: int) -> None:
        self.state = state
        self.limit = limit
        self._last = limit << ROW_BITS | ROW_MASK

    @cached_property
    def definitions(self) -> DefinitionLinks:
        """The edges among definitions."""
        return DefinitionLinks(self.state.catalog, self.limit)

    @cached_property
    def uses(self) -> Uses:
        """Which predictions read what, covering the offset."""
        state, repairs = self.state, self.state.fold.repairs
        kept: Uses = state.aside.setdefault(Uses, Uses(state.log, state.catalog, state.predictions))
        kept.upto(self.limit)
        if repairs & 1 or state.fold.repairs != repairs:  # it was read from a view that is rebuilt; so is this answer
            state.aside.pop(Uses, None)
        return kept

    # -- nodes ---------------------------------------------------------------------------------------------

    def has(self, name: str) -> bool:
        """Whether a definition was there, or a model was named by a prediction."""
        return name in self.definitions.nodes or (
            node_kind(name) == "model" and len(self.uses.of_definition(name, self._last)) > 0
        )

    def node(self, key: Key) -> Node:
        """The node of a key."""
        if isinstance(key, int):
            return row_node(self.state, key)
        kind = node_kind(key)
        if kind is None:
            raise unknown(key, self.limit)
        return Node(key, kind, self.definitions.nodes.get(key, 0))

    # -- upstream ------------------------------------------------------------------------------------------

    def into(self, key: Key, first: bool = True) -> Iterator[Link]:
        """The edges that end in a node. Those of mere use only where ``first``: nothing depends on them."""
        if isinstance(key, int):
            yield from self._into_row(key)
            return
        yield from self.definitions.into.get(key, ())
        if key.startswith("training_set:"):
            offset, record = self.state.catalog.training_sets.versions(key.partition(":")[2])[0]
            for ref in record.refs:
                yield Link(ref, key, "joined", None, offset)
        if first and key.startswith(("model:", "experiment:")):
            for service, user, offset in self.uses.pairs(self.limit):
                if user == key:
                    yield Link(service, user, SERVES, None, offset)

    def _into_row(self, ref: int) -> Iterator[Link]:
        state, offset = self.state, ref >> ROW_BITS
        declares, predicts = state.lineage.declares(offset), state.predictions.has(ref)
        if not declares and not predicts:
            return
        fact = state.log.event(offset).fact
        if declares:
            name = _transformation(fact)
            for source in state.lineage.upstream(ref):
                yield Link(source, ref, "derived", name, offset)
        if predicts and isinstance(fact, PredictionsRecorded):
            yield from self._into_prediction(ref, fact)

    def _into_prediction(self, ref: int, fact: PredictionsRecorded) -> Iterator[Link]:
        offset, row = ref >> ROW_BITS, ref & ROW_MASK
        made = made_by(fact, row, self.state.catalog, offset)
        pipeline = made.pipeline.partition(":")[2] or None
        for source in dict.fromkeys(source for source in fact.predictions[row].sources if source):
            yield Link(source, ref, "input", pipeline, offset)
        arm = (fact.predictions[row].assignment or {}).get("arm")
        for name in made.ids():
            by = arm if name == made.experiment and isinstance(arm, str) else None
            yield Link(name, ref, "made", by, offset)

    # -- downstream ----------------------------------------------------------------------------------------

    def out(self, key: Key) -> Iterator[Link]:
        """The edges that begin at a node."""
        if isinstance(key, str):
            yield from self.out_of_definition(key)
            yield from (self._link(key, ref) for ref in self.made_by(key))
            return
        for offset in self.derived_at(key):
            name = _transformation(self.state.log.event(offset).fact)
            yield from (Link(key, target, "derived", name, offset) for target in self.rows_of(offset))
        yield from (self._link(key, prediction) for prediction in self.predictions_of(key))
        yield from self.beyond(key)

    def out_of_definition(self, key: str) -> Iterator[Link]:
        """The edges from a definition to others."""
        yield from self.definitions.out.get(key, ())
        if key.startswith("service:"):
            for service, user, offset in self.uses.pairs(self.limit):
                if service == key:
                    yield Link(service, user, SERVES, None, offset)

    def made_by(self, key: str) -> Sequence[int]:
        """The predictions that a service, pipeline, model or experiment made."""
        makes = key.startswith(("service:", "pipeline:", "model:", "experiment:"))
        return self.uses.of_definition(key, self._last) if makes else ()

    def predictions_of(self, ref: int) -> Sequence[int]:
        """The predictions that read a row."""
        return self.uses.of_row(ref, self._last)

    def _link(self, key: Key, row: int) -> Link:
        """The edge from a node to a prediction that has one; a bare one where that can no longer be read."""
        bare = Link(key, row, "input" if isinstance(key, int) else "made", None, row >> ROW_BITS)
        return next((link for link in self._into_row(row) if link.source == key), bare)

    def derived_at(self, ref: int) -> list[int]:
        """The events that were derived from a row, and say so."""
        return list(self.state.lineage.downstream(ref, self.limit))

    def rows_of(self, offset: int) -> range:
        """References of all rows of an event."""
        return range(offset << ROW_BITS, (offset << ROW_BITS) + self.state.log.rows_at(offset))

    def beyond(self, ref: int) -> Iterator[Link]:
        """The edges from a row to the training sets that hold it and the pipelines that were fitted on it."""
        for offset, record in self.training_sets:
            place = bisect_left(record.refs, ref)
            if place < len(record.refs) and record.refs[place] == ref:
                yield Link(ref, f"training_set:{record.name}", "joined", None, offset)
        if self.fits:
            yield from links_of_fits(self.state, ref, self.fits)

    @cached_property
    def training_sets(self) -> list[tuple[int, TrainingSetRecord]]:
        """What was recorded up to the offset."""
        return [pair for pair in list(self.state.catalog.training_sets) if pair[0] <= self.limit]

    @cached_property
    def fits(self) -> list[tuple[int, FittedPipeline]]:
        """The pipelines that were fitted up to the offset, not those that came with their service."""
        shelf = [pair for pair in list(self.state.catalog.pipelines) if pair[0] <= self.limit]
        return sorted((pair for pair in shelf if not pair[1].given), key=lambda pair: pair[0])


def _transformation(fact: Fact) -> str | None:
    """By what a write says that it was derived; None too where that was erased."""
    origin = getattr(fact, "origin", None)
    return None if origin is None else origin.transformation
