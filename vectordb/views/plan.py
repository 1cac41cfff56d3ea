"""A plan: how rows are read under one version of a view."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, NamedTuple

from ledger import ABSENT, NULL, FeatureType, InvalidInput, Layout, UnknownName, ViewDefinition, source_at, word_at


class Status(StrEnum):
    """What a value is: written, written as None, never written (or deleted), or older than its time to live."""

    PRESENT = "present"
    NULL = "null"
    MISSING = "missing"
    EXPIRED = "expired"


class Slot(NamedTuple):
    """Where and how one feature is read."""

    place: int
    kind: FeatureType
    default: Any


class Plan:
    """Features of one version of a view by name, each with its slot; and that version's time to live."""

    __slots__ = ("definition", "label", "layout", "names", "slots", "ttl", "wanted")

    def __init__(self, definition: ViewDefinition, layout: Layout) -> None:
        self.definition = definition
        self.layout = layout
        self.label = definition.label
        self.names = layout.names
        self.ttl = definition.ttl
        self.wanted = layout.slots
        self.slots = {
            name: Slot(place, kind, kind.shown_default)
            for name, place, kind in zip(layout.names, layout.slots, layout.types, strict=True)
        }

    def slot(self, name: str) -> Slot:
        """The slot of a feature of this version."""
        found = self.slots.get(name)
        if found is None:
            rule = "the view has no such feature at this version"
            raise UnknownName(rule, view=self.label, feature=name, known=list(self.names)[:20])
        return found

    def check_features(self, features: Iterable[str] | None) -> tuple[str, ...]:
        """The features asked for, all of them for None."""
        if features is None:
            return self.names
        asked = tuple(features)
        for name in asked:
            self.slot(name)
        return asked

    def status(self, packed: bytes | None, slot: int, at: int) -> Status:
        """The status of a slot of a packed row at a clock."""
        word = ABSENT if packed is None else word_at(packed, slot)
        if word == ABSENT:
            return Status.MISSING
        if self.ttl is not None and packed is not None and source_at(packed, slot)[1] < at - self.ttl:
            return Status.EXPIRED
        return Status.NULL if word == NULL else Status.PRESENT


def check_names(features: Iterable[str]) -> tuple[str, ...]:
    """Names of features, each once."""
    if isinstance(features, str):
        raise InvalidInput("features are a sequence of names", features=features)
    names = tuple(features)
    if len(set(names)) < len(names):
        raise InvalidInput("a feature is asked for once", features=list(names)[:20])
    return names
