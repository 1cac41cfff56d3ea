"""A service plan: how the rows of one version of a service are read, under the definitions of its views."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ledger import (
    HEADER_SIZE,
    PLAIN,
    SLOTS_SHIFT,
    FeatureRef,
    FeatureType,
    FittedPipeline,
    InvalidInput,
    NotFitted,
    Request,
    ServiceDefinition,
    header_of,
    heavy_cell,
    light_cell,
)
from vectordb.batches.gather import Gather, Item
from vectordb.batches.packing import Raw, ascending_words
from vectordb.pipelines.applied_pipeline import AppliedPipeline
from vectordb.pipelines.transformed_gather import TransformedGather
from vectordb.views.plan import Plan, Slot

if TYPE_CHECKING:
    from vectordb.services.row import ServiceRow
    from vectordb.state import State

Maker = Callable[[Any, int], Any]  # (word, reference of the row) -> the value that a read shows


class ShownPart:
    """The features that a service takes of one view, and how a row shows them."""

    __slots__ = ("_forms", "_makers", "_state", "_unpack", "features", "plan", "ttl", "width")

    def __init__(self, state: State, plan: Plan, features: tuple[str, ...]) -> None:
        self._state = state
        self.plan = plan
        self.features = features
        slots = [plan.slot(name) for name in features]
        self.ttl = plan.ttl
        self.width = len(plan.layout.slot_words)
        self._unpack = _unpacker([(slot.place, slot.kind.word) for slot in slots])
        made = [(place, slot) for place, slot in enumerate(slots) if slot.kind.name not in ("int", "float")]
        self._makers = [(place, self._maker(slot, slot.kind.show)) for place, slot in made]
        self._forms = [(place, self._maker(slot, slot.kind.to_json)) for place, slot in made]

    def _maker(self, slot: Slot, form: Callable[[Any], Any]) -> Maker:
        """The value of a word in a form: as a read shows it, or as it is stored; a number's word is both."""
        kind, log, pool = slot.kind, self._state.log, self.plan.layout.pool
        if kind.heavy:
            return lambda word, ref: form(heavy_cell(kind, log.heavy(ref, slot.place)))
        return lambda word, ref: form(light_cell(kind, word, pool))

    def stored(self, raw: bytes) -> tuple[list[Any], int]:
        """The stored forms of the values of a row of one write where all are there, and the write's reference."""
        found, ref = self._unpack(raw), header_of(raw)[0]
        for place, make in self._forms:
            found[place] = make(found[place], ref)
        return found, ref

    def values(self, row: ServiceRow, place: int, raw: Raw) -> list[Any]:
        """The values in order. 0.5 us for ten numbers that are simply there; else the view's row is asked, 1 us each.

        ``place`` is that of this part in the row's plan, ``raw`` the packed row of its view.
        """
        if raw is not None:
            ref, event_time, flags = header_of(raw)
            ttl = self.ttl
            fresh = ttl is None or event_time >= row.at_micros - ttl
            if fresh and flags & PLAIN and flags >> SLOTS_SHIFT == self.width:
                found = self._unpack(raw)
                for place, maker in self._makers:
                    found[place] = maker(found[place], ref)
                return found
        shown = row.row_of(place)
        return [shown[name] for name in self.features]


def _unpacker(slots: list[tuple[int, str]]) -> Callable[[bytes], list[Any]]:
    """Reads the words of some slots of a packed row, in the order given."""
    words = dict(slots)
    unpack, ascending = ascending_words(words), sorted(words)
    order = [ascending.index(place) for place, _ in slots]
    if order == list(range(len(order))):
        return lambda raw: list(unpack(raw, HEADER_SIZE))

    def ordered(raw: bytes) -> list[Any]:
        read = unpack(raw, HEADER_SIZE)
        return [read[place] for place in order]

    return ordered


class ServicePlan:
    """What is read: of every view the features, in reading order; the kinds of entity; and the request inputs."""

    __slots__ = (
        "_apart", "_applied", "_order", "definition", "fitted", "inputs", "keys", "kinds", "label", "parts", "requests",
        "state", "views",
    )  # fmt: skip

    def __init__(
        self,
        state: State,
        definition: ServiceDefinition,
        plans: Mapping[str, Plan],
        fitted: FittedPipeline | None = None,
    ) -> None:
        """``fitted`` is the version of the service's pipeline that rows go through, None where there is none yet."""
        self.state = state
        self.fitted = fitted
        self._applied: AppliedPipeline | None = None
        self._apart: TransformedGather | None = None
        self.definition = definition
        self.label = definition.label
        self.keys = definition.keys
        self.inputs: dict[str, FeatureRef | Request] = dict(zip(self.keys, definition.features, strict=True))
        self.views = tuple(plans)
        self.kinds = tuple(dict.fromkeys(plan.definition.entity for plan in plans.values()))
        refs = [item for item in definition.features if isinstance(item, FeatureRef)]
        self.parts = tuple(
            ShownPart(state, plan, tuple(ref.feature for ref in refs if ref.view == view))
            for view, plan in plans.items()
        )
        self.requests = {item.name: item for item in definition.features if isinstance(item, Request)}
        read = [(view, name) for view, part in zip(self.views, self.parts) for name in part.features]
        given = [*read, *self.requests]
        places = [
            given.index((item.view, item.feature) if isinstance(item, FeatureRef) else item.name)
            for item in definition.features
        ]
        self._order = None if places == list(range(len(places))) else places

    def ordered(self, values: list[Any]) -> list[Any]:
        """Values of the parts one after the other, and of the request, in the model's order."""
        return values if self._order is None else [values[place] for place in self._order]

    def place_of(self, view: str) -> int:
        """The part of a view."""
        return self.views.index(view)

    def kind_of(self, view: str) -> str:
        """The kind of entity of a view."""
        return self.parts[self.place_of(view)].plan.definition.entity

    def items(self, kind: str) -> list[Item]:
        """The features of one kind of entity, by key."""
        refs = ((key, item) for key, item in self.inputs.items() if isinstance(item, FeatureRef))
        return [Item(key, item.view, item.feature) for key, item in refs if self.kind_of(item.view) == kind]

    def gather(self, kind: str) -> Gather:
        """What reads the features of one kind of entity for many."""
        plans = self.plans(kind)
        key = (self.label, kind, *(plan.label for plan in plans.values()))
        return self.state.gather(key, lambda: Gather(self.state, self.items(kind), plans))

    @property
    def transforms(self) -> bool:
        """Whether the service has a pipeline."""
        return self.definition.pipeline is not None

    @property
    def applied(self) -> AppliedPipeline:
        """The pipeline, bound to the inputs; ``NotFitted`` where it is not fitted yet."""
        if self._applied is None:
            if self.fitted is None:
                rule = "a service's pipeline is fitted before rows go through it: call fit, or read with raw=True"
                raise NotFitted(rule, service=self.label)
            self._applied = AppliedPipeline(self.fitted, self.types)
        return self._applied

    @property
    def types(self) -> dict[str, FeatureType]:
        """The type of every input, in the model's order."""
        return {
            key: item.type if isinstance(item, Request) else self._slot(item).kind for key, item in self.inputs.items()
        }

    def _slot(self, item: FeatureRef) -> Slot:
        return self.parts[self.place_of(item.view)].plan.slot(item.feature)

    def transformed_gather(self, live: bool = True) -> TransformedGather | None:
        """What reads and transforms together: of a service of one kind of entity without request inputs.

        That of pasts (not ``live``) stands apart: it holds nothing, and takes no place of one that does.
        """
        if len(self.kinds) != 1 or self.requests:
            return None
        applied, kind = self.applied, self.kinds[0]
        plans = self.plans(kind)
        if not live:
            if self._apart is None:
                self._apart = TransformedGather(self.state, self.items(kind), plans, applied)
            return self._apart
        key = (self.label, applied.fitted.version, *(plan.label for plan in plans.values()))
        return self.state.gather(key, lambda: TransformedGather(self.state, self.items(kind), plans, applied))

    def plans(self, kind: str) -> dict[str, Plan]:
        """The views of one kind of entity."""
        return {view: part.plan for view, part in zip(self.views, self.parts) if part.plan.definition.entity == kind}

    def check_request(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The cells of the request inputs of one row."""
        self.check_names(request)
        cells: dict[str, Any] = {}
        for name, item in self.requests.items():
            value = request[name] if name in request else self.default_of(item)
            cells[name] = self.check_cell(item, value)
        return cells

    def default_of(self, item: Request) -> Any:
        """The default of a request input that was not given."""
        if item.type.default is None:
            raise InvalidInput("a request input without a default is given", service=self.label, missing=item.name)
        return item.type.default

    def check_names(self, request: Mapping[str, Any]) -> None:
        """Refuse request inputs that the service does not have."""
        unknown = set(request) - set(self.requests)
        if unknown:
            rule = "the service has no such request input"
            raise InvalidInput(rule, unknown=sorted(map(str, unknown)), known=sorted(self.requests))

    def check_cell(self, item: Request, value: Any) -> Any:
        """The cell of one request input."""
        try:
            return None if value is None else item.type.check(value)
        except InvalidInput as error:
            raise InvalidInput(error.rule, request_input=item.name, value=value) from error
