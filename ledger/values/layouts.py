"""The layouts of a log: one for each version of each view, and the slots that features keep for ever."""

from __future__ import annotations

from typing import Final

from ledger.errors import DefinitionConflict, InvalidInput, UnknownName
from ledger.facts.view_defined import ViewDefinition
from ledger.values.feature_types import FeatureType
from ledger.values.layout import Layout
from ledger.values.pool import Pool

MAX_SLOTS: Final = 16_384  # every row has eight bytes for each of them, written or not


class Layouts:
    """``layouts["drivers@2"]`` is the layout of that version.

    A feature name keeps its type, dimension and metric for ever; removed and added again, it resumes
    its slot and with it its old values.
    """

    def __init__(self, pool: Pool | None = None) -> None:
        self.pool = pool if pool is not None else Pool()
        self._by_label: dict[str, Layout] = {}
        self._features: dict[str, dict[str, FeatureType]] = {}  # view -> every feature ever, in slot order
        self._slots: dict[str, dict[str, int]] = {}
        self._versions: dict[str, int] = {}
        self._kinds: dict[str, str] = {}
        self._newest: dict[str, Layout] = {}

    def __getitem__(self, label: str) -> Layout:
        layout = self._by_label.get(label) if isinstance(label, str) else None
        if layout is None:
            raise InvalidInput("a row's view and version are defined before it", view=label)
        return layout

    def get(self, label: str) -> Layout | None:
        """The layout of ``view@version``; None where it is not defined."""
        return self._by_label.get(label)

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
        return dict(self._slots[view])

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
        ever = len(known) + sum(name not in known for name in definition.features)  # ints
        if ever > MAX_SLOTS:
            rule = f"a view has at most {MAX_SLOTS} features, those that it had included: use a new name"
            raise DefinitionConflict(rule, view=definition.name, features=ever)
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
        known = self._features.get(definition.name, {})
        slots = self._slots.get(definition.name, {})
        # The widest text ever taken counts: predictions are checked against it.
        fresh = {name: kind for name, kind in definition.features.items() if _is_wider(kind, known.get(name))}
        if fresh:  # new dicts: a reader may be in the old ones
            known = {**known, **fresh}
            slots = slots if len(slots) == len(known) else {name: slot for slot, name in enumerate(known)}
        words = self._newest[definition.name].slot_words if definition.name in self._newest else ""
        words += "".join(kind.word for kind in list(known.values())[len(words):]) if fresh else ""
        layout = Layout(
            definition.name,
            definition.version,
            definition.features,
            tuple(slots[name] for name in definition.features),
            words,
            self.pool,
        )
        self._features[definition.name], self._slots[definition.name] = known, slots
        self._kinds[definition.name] = definition.entity
        self._by_label[layout.label] = layout
        self._newest[definition.name] = layout
        self._versions[definition.name] = definition.version
        return layout

    def counts(self) -> dict[str, int]:
        """How many versions each view has."""
        return dict(self._versions)


def _is_wider(kind: FeatureType, known: FeatureType | None) -> bool:
    """Whether a feature is new, or takes longer texts than it did."""
    return known is None or getattr(kind, "max_bytes", 0) > getattr(known, "max_bytes", 0)
