"""Tracing: a fitted pipeline step by step, what goes into each step and what comes out, by name.

The steps are written into one program, as they are for serving, and a watcher notes the values around each of them.
Compiled with all those values as outputs, the program gives every step of a row in one call (10 us; making it takes
some milliseconds, once a version of a pipeline).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ledger import FeatureType, Vector
from vectordb.audit.inputs import plain
from vectordb.batches.packing import NUMBERS
from vectordb.pipelines.applied_pipeline import Inputs
from vectordb.transforms import ColumnTransformer, FeatureUnion, Pipeline, Transformer
from vectordb.transforms.program import Program, Value

if TYPE_CHECKING:
    from vectordb.services.plan import ServicePlan
    from vectordb.state import State

PASSTHROUGH: Final = "passthrough"
DROP: Final = "drop"
TRACES: Final = 64  # versions of pipelines whose traces are kept
TRACES_KEY: Final = "traces of pipelines"  # under which they are kept


@dataclass(frozen=True)
class Step:
    """One step: its name, the kind of transformer, what went in and what came out, by name of feature.

    ``parts`` are the steps inside of it: those of a pipeline in their order, the branches of a ``ColumnTransformer`` or
    ``FeatureUnion``. A branch that only passes on is a step of kind ``passthrough``; one that is left out, ``drop``.
    """

    name: str
    kind: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    parts: tuple[Step, ...] = ()

    def leaves(self, above: str = "") -> Iterator[Step]:
        """The steps that have no parts, in order, each named by its way: ``numbers.scale``."""
        if not self.parts:
            yield Step(above or self.name, self.kind, self.inputs, self.outputs)
        for part in self.parts:
            yield from part.leaves(f"{above}.{part.name}" if above else part.name)

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        values = {name: plain(value) for name, value in self.inputs.items()}
        made = {name: plain(value) for name, value in self.outputs.items()}
        parts = [part.to_dict() for part in self.parts]
        return {"name": self.name, "kind": self.kind, "inputs": values, "outputs": made, "parts": parts}


class Seen(NamedTuple):
    """What was seen of a part when its pipeline was written: the variables before and after it, and its own parts."""

    name: str
    part: Transformer
    before: list[str]
    after: list[str]
    inside: dict[str, Seen]


class Named(NamedTuple):
    """A step with the variables of its inputs and outputs, by name of feature."""

    name: str
    kind: str
    inputs: dict[str, str]
    outputs: dict[str, str]
    parts: tuple[Named, ...] = ()


class Watched(Program):
    """A program that notes what goes through each part."""

    seen: dict[str, Seen]

    def through(self, name: str, part: Transformer, values: list[Value]) -> list[Value]:
        """Write the part, and note it with the parts inside of it."""
        around, self.seen = vars(self).get("seen", {}), {}
        made = super().through(name, part, values)
        noted = Seen(name, part, [value.text for value in values], [value.text for value in made], self.seen)
        self.seen = {**around, name: noted}
        return made


def _named(seen: Seen, names: list[str]) -> Named:
    """The step of a part whose inputs have these names."""
    part = seen.part
    outputs = dict(zip(part._names_out(list(names)), seen.after))
    inputs = dict(zip(names, seen.before))
    return Named(seen.name, type(part).__name__, inputs, outputs, tuple(_inside(seen, names)))


def _inside(seen: Seen, names: list[str]) -> Iterator[Named]:
    """Its parts in the order of the definition: one after the other in a pipeline, elsewhere side by side."""
    part, texts = seen.part, seen.before
    for name, one, places in _parts(part, range(len(names))):
        own = [names[place] for place in places] if places is not None else names
        if name in seen.inside:
            found = _named(seen.inside[name], own)
        elif isinstance(one, Transformer):
            continue  # a branch that has no columns
        else:
            held = dict(zip(own, texts if places is None else [texts[place] for place in places]))
            found = Named(name, one or PASSTHROUGH, held, {} if one == DROP else held)
        yield found
        if places is None:
            names, texts = list(found.outputs), list(found.outputs.values())


def _parts(part: Transformer, all_places: Sequence[int]) -> Iterator[tuple[str, Any, Sequence[int] | None]]:
    """Name, part and places of what a transformer is made of; no places where each takes what the last one made."""
    if isinstance(part, ColumnTransformer):
        yield from part.transformers_
    elif isinstance(part, FeatureUnion):
        yield from ((name, DROP if one is None else one, all_places) for name, one in part._children())
    elif isinstance(part, Pipeline):
        yield from ((name, one, None) for name, one in part._children())


class Trace:
    """The steps of one version of a pipeline, bound to the inputs of its service."""

    def __init__(self, transformer: Transformer, name: str, types: Mapping[str, FeatureType]) -> None:
        inputs = Inputs.of(types)
        program = Watched(inputs.names, inputs.kinds)
        program.through(name, transformer, program.inputs)
        self._whole = _named(program.seen[name], list(inputs.names))
        self._types = types
        self._variables = list(dict.fromkeys(_variables(self._whole)))
        self._run = program.compile([Value(text, text) for text in self._variables]).row

    def steps(self, row: Mapping[str, Any]) -> Step:
        """The whole pipeline as one step with its parts, for a row of inputs as a read shows them."""
        cells: list[Any] = []
        for key, kind in self._types.items():
            value = row[key]
            if isinstance(kind, Vector):
                cells += [nan] * kind.dim if value is None else value
            elif kind.name in NUMBERS:
                cells.append(nan if value is None else float(value))
            else:
                cells.append(value)
        return _step(self._whole, dict(zip(self._variables, self._run(cells))))


def _variables(step: Named) -> Iterator[str]:
    yield from step.inputs.values()
    yield from step.outputs.values()
    for part in step.parts:
        yield from _variables(part)


def _step(step: Named, values: Mapping[str, Any]) -> Step:
    inputs = {name: values[text] for name, text in step.inputs.items()}
    outputs = {name: values[text] for name, text in step.outputs.items()}
    return Step(step.name, step.kind, inputs, outputs, tuple(_step(part, values) for part in step.parts))


def trace_of(state: State, plan: ServicePlan) -> Trace:
    """The trace of a plan's pipeline; kept with the state for as long as few others are asked for."""
    held: dict[Any, Trace] = state.aside.setdefault(TRACES_KEY, {})
    applied = plan.applied
    key = (plan.label, applied.fitted.version, *(part.plan.label for part in plan.parts))
    found = held.get(key)
    if found is None:
        with state.lock:
            while len(held) >= TRACES:
                held.pop(next(iter(held)), None)
            found = held[key] = Trace(applied.transformer, applied.fitted.label, plan.types)
    return found
