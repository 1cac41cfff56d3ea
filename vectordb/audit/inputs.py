"""The inputs of a prediction that come from views: of which entity, how they were read, what each was at a moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ledger import (
    ROW_BITS,
    ROW_MASK,
    Entity,
    Erased,
    FeatureRef,
    Log,
    ModelDefinition,
    Pruned,
    canonical,
    parse_label,
    render_version,
)
from vectordb.views.plan import Status
from vectordb.views.row import Row

if TYPE_CHECKING:
    from vectordb.predictions.prediction import Prediction
    from vectordb.services.plan import ServicePlan
    from vectordb.state import State

PLAIN: Final = frozenset({float, int, str, bool, type(None)})
UNDEFINED: Final = "undefined"  # status: no such view yet, or not with this feature
ERASED: Final = "erased"  # status: the value was destroyed


@dataclass(frozen=True)
class InputState:
    """The value that a read shows, its status, and the version that it comes from (None: never written).

    A status is one of the four of a read, ``undefined`` where the view has no such feature, or ``erased``.
    """

    value: Any
    status: str
    version: str | None
    ref: int = field(default=0, repr=False)
    cell: bytes = field(default=b"", repr=False)  # the stored form of what is shown without a present value

    def differs(self, other: InputState) -> bool:
        """Whether it is another value, of another status, or from another write."""
        return (self.ref, self.status, self.cell) != (other.ref, other.status, other.cell)

    def to_dict(self) -> dict[str, Any]:
        """Value, status and version as plain data."""
        return {"value": plain(self.value), "status": self.status, "version": self.version}


NOT_DEFINED: Final = InputState(None, UNDEFINED, None)
GONE: Final = InputState(None, ERASED, None)


class Item(NamedTuple):
    """An input: its place among the inputs, its name in the row, its feature."""

    place: int
    key: str
    feature: str


class Source(NamedTuple):
    """The inputs that come from one entity of one view."""

    view: str
    entity: Entity
    items: list[Item]


def sources_of(state: State, prediction: Prediction) -> list[Source]:
    """The inputs of a prediction by view; the entity of each by its kind, in the order in which a read takes kinds."""
    definition = prediction.definition
    found: dict[str, list[Item]] = {}
    for place, (key, item) in enumerate(zip(definition.keys, definition.features, strict=True)):
        if isinstance(item, FeatureRef):
            found.setdefault(item.view, []).append(Item(place, key, item.feature))
    kinds = {view: state.plan(view, prediction.as_of).definition.entity for view in found}
    entities = dict(zip(dict.fromkeys(kinds.values()), prediction.entities, strict=True))
    return [Source(view, entities[kinds[view]], items) for view, items in found.items()]


def plan_of(state: State, prediction: Prediction) -> ServicePlan:
    """How its service was read: the versions of its views then, and of the pipeline that it pins.

    Definitions alone, which a compaction keeps: a service of a past is refused from before it.
    """
    definition, pipelines = prediction.definition, state.catalog.pipelines
    plans = {view: state.plan(view, prediction.as_of) for view in definition.views}
    fitted = pipelines.version(definition.name, prediction.pipeline) if prediction.pipeline else None
    return state.service_plan(definition, plans, fitted)


def model_of(state: State, prediction: Prediction) -> ModelDefinition | None:
    """The model that answered, where it is one that is data."""
    name, version = parse_label(prediction.model)
    models = state.catalog.models
    return None if not version or models.find(name, prediction.offset) is None else models.version(name, version)


def read_states(state: State, source: Source, offset: int, at: int) -> list[InputState]:
    """What each input was: known after ``offset`` events, valid at ``at``. One read of a row. Through ``read_past``."""
    if state.catalog.views.find(source.view, offset) is None:
        return [NOT_DEFINED] * len(source.items)
    plan = state.plan(source.view, offset)
    try:
        packed = state.past_row(source.view, source.entity, offset, at)
        row = Row(state, plan, source.entity, packed, offset, at)
        names = [item.feature for item in source.items]
        return [_shown(state, source, row, name) if name in row else NOT_DEFINED for name in names]
    except Erased:
        return [GONE] * len(source.items)


def _shown(state: State, source: Source, row: Row, feature: str) -> InputState:
    status, ref = row.status_of(feature), row.source(feature)
    version = version_name(state.log, source.view, source.entity, ref) if ref else None
    cell = b"" if status in (Status.PRESENT, Status.NULL) else canonical(row.cell(feature))
    return InputState(row[feature], str(status), version, ref, cell)


def version_name(log: Log, view: str, entity: Entity, ref: int) -> str:
    """The version id of a write to an entity that is known; also where its values are gone."""
    try:
        rows = log.rows_at(ref >> ROW_BITS)
    except (Erased, Pruned):
        rows = 2 if ref & ROW_MASK else 1
    return render_version(view, entity, ref, rows)


def plain(value: Any) -> Any:
    """A value that a read shows as plain data: an instant as text, a vector as a list."""
    if type(value) in PLAIN:
        return value
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value
