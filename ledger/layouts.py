"""The layouts of a log: one for each version of each view, and the slots that features keep for ever."""

from __future__ import annotations

from typing import Any

from ledger.errors import DefinitionConflict, InvalidInput, UnknownName
from ledger.facts.view_defined import ViewDefinition
from ledger.feature_types import FeatureType
from ledger.layout import Layout
from ledger.pool import Pool


class Layouts:
    """``layouts["drivers@2"]`` is the layout of that version.

    A feature name keeps its type, dimension and metric for ever; removed and added again, it resumes
    its slot and with it its old values.
    """

    def __init__(self, pool: Pool | None = None) -> None:
        self.pool = pool if pool is not None else Pool()
        self._by_label: dict[str, Layout] = {}
        self._features: dict[str, dict[str, FeatureType]] = {}  # view -> every feature ever, in slot order
        self._versions: dict[str, int] = {}
        self._kinds: dict[str, str] = {}
        self._newest: dict[str, Layout] = {}

    def __getitem__(self, label: str) -> Layout:
        layout = self._by_label.get(label) if isinstance(label, str) else None
        if layout is None:
            raise InvalidInput("a row's view and version are defined before it", view=label)
        return layout

    def feature(self, view: str, name: str) -> FeatureType:
        """The type of a feature that the view has, or had."""
        return self._features[view][name]

    def entity_kind(self, view: str) -> str:
        """The kind of entity of a view; it never changes."""
        return self._kinds[view]

    def newest(self, view: str) -> Layout:
        """The layout of a view's last version."""
        layout = self._newest.get(view)
        if layout is None:
            raise UnknownName("no view of that name is defined", view=view, known=sorted(self._versions))
        return layout

    def slots(self, view: str) -> dict[str, int]:
        """Every feature that the view ever had, and its slot."""
        return {name: slot for slot, name in enumerate(self._features[view])}

    def type_of(self, view: str, slot: int) -> FeatureType:
        """The type of the feature that has a slot."""
        return list(self._features[view].values())[slot]

    def coded_slots(self, view: str) -> tuple[int, ...]:
        """The slots of a view that hold category codes."""
        return tuple(slot for slot, kind in enumerate(self._features[view].values()) if kind.coded)

    def check(self, definition: ViewDefinition) -> None:
        """Refuse a version out of turn, and a feature whose shape changes."""
        expected = self._versions.get(definition.name, 0) + 1
        if definition.version != expected:
            raise InvalidInput("versions of a view count up by one", expected=expected, actual=definition.version)
        kind = self._kinds.get(definition.name, definition.entity)
        if kind != definition.entity:
            rule = "a view keeps its kind of entity: use a new name"
            raise DefinitionConflict(rule, view=definition.name, was=kind, now=definition.entity)
        known = self._features.get(definition.name, {})
        changed = {
            name: {"was": known[name].shape(), "now": kind.shape()}
            for name, kind in definition.features.items()
            if name in known and known[name].shape() != kind.shape()
        }
        if changed:
            rule = "a feature keeps its type, dimension and metric for ever: use a new name"
            raise DefinitionConflict(rule, view=definition.name, changed=changed)

    def define(self, definition: ViewDefinition) -> Layout:
        """Add the layout of a definition; the version before it must be there."""
        self.check(definition)
        known = dict(self._features.get(definition.name, {}))
        for name, kind in definition.features.items():
            if name not in known or getattr(kind, "max_bytes", 0) > getattr(known[name], "max_bytes", 0):
                known[name] = kind  # the widest text ever taken: predictions are checked against it
        slots = {name: slot for slot, name in enumerate(known)}
        layout = Layout(
            definition.name,
            definition.version,
            definition.features,
            tuple(slots[name] for name in definition.features),
            "".join(kind.word for kind in known.values()),
            self.pool,
        )
        self._features[definition.name] = known
        self._kinds[definition.name] = definition.entity
        self._by_label[layout.label] = layout
        self._newest[definition.name] = layout
        self._versions[definition.name] = definition.version
        return layout

    def counts(self) -> dict[str, Any]:
        """Versions by view."""
        return dict(self._versions)
