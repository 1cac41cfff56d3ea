"""Answering: the assigner of a definition, and what a reader shows it of units."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ledger import Entity, ExperimentDefinition
from vectordb.experiments.assigner import Assigner, Seen
from vectordb.experiments.assignment import Assignment
from vectordb.experiments.exposed import met
from vectordb.experiments.layers import layers_of
from vectordb.experiments.targeting import matcher

if TYPE_CHECKING:
    from vectordb.reader import Reader
    from vectordb.state import State

ASSIGNERS: Final = 256  # versions of experiments whose assigners are kept


def assigner_of(reader: Reader, definition: ExperimentDefinition) -> Assigner:
    """The assigner of a definition that is in the log; kept. To be called through ``consistently``."""
    kept: dict[str, Assigner] = reader.state.aside.setdefault(Assigner, {})
    found = kept.get(definition.label)
    if found is None or found.definition is not definition:  # an override may have been erased from it
        while len(kept) >= ASSIGNERS:
            kept.pop(next(iter(kept)), None)
        found = kept[definition.label] = make_assigner(reader, definition)
    return found


def make_assigner(reader: Reader, definition: ExperimentDefinition) -> Assigner:
    """The assigner of any definition, as of a reader's offset."""
    layered = definition.layer and definition.running
    segments = layers_of(reader.state).segments(definition, reader.as_of_offset) if layered else 0
    return Assigner(definition, segments)


def seen_by(reader: Reader, definition: ExperimentDefinition) -> Seen:
    """What a reader sees of units; to be made, and used, through ``consistently``."""
    asks = bool(definition.view) and definition.running
    targeted = matcher(reader, definition.view, definition.where) if asks else _always
    return Seen(targeted, lambda unit: met(reader, definition, unit))


class Watched(NamedTuple):
    """What changes when an experiment is defined, or a view is rebuilt."""

    shelf: Any
    defined: int
    repairs: int


def watched(state: State) -> Watched:
    """As it is now."""
    shelf = state.catalog.experiments
    return Watched(shelf, shelf.count, state.fold.repairs)


def quick_assign(
    state: State, watch: Watched, plain: Callable[[Entity], Assignment]
) -> Callable[[Entity], Assignment | None]:
    """Answers without looking anything up, for as long as no experiment is defined anew since ``watch``.

    None while an event is folded as well: it may be in the log already and define the experiment anew.
    """
    catalog, fold = state.catalog, state.fold
    shelf, count, repairs = watch

    def assign(unit: Entity) -> Assignment | None:
        if fold.sequence & 1 or shelf.count != count or catalog.experiments is not shelf or fold.repairs != repairs:
            return None
        return plain(unit)

    return assign


def _always(unit: Entity) -> bool:
    return True
