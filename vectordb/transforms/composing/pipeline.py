"""Pipeline: transformers one after the other, fused into one program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from vectordb.transforms.base import Transformer
from vectordb.transforms.composing.checks import PASSTHROUGH, check_fitted_on, check_parts
from vectordb.transforms.composing.composite import Composite, fit_through
from vectordb.transforms.composing.outputs import passed, passed_columns
from vectordb.transforms.program import Program, Value
from vectordb.transforms.table import Table


class Pipeline(Composite):
    """``steps`` are (name, transformer), or (name, "passthrough"); ``fit`` fits them in place, each on what the one
    before it gives. Between steps nothing is copied: one compiled function takes a row through all of them. It is kept:
    a fitted step is changed through the pipeline (``set_params(scale__with_mean=False)``), or the pipeline fitted anew.

    >>> from vectordb.transforms import SimpleImputer, StandardScaler
    >>> pipeline = Pipeline([("fill", SimpleImputer()), ("scale", StandardScaler())])
    >>> pipeline.fit([[1.0], [None], [3.0]]).transform_one([3.0])
    (1.224744871391589,)
    """

    def __init__(self, steps: Sequence[Any], *, memory: Any = None, verbose: bool = False) -> None:
        """``memory`` and ``verbose`` are scikit-learn's, and change nothing here."""
        self.steps = steps
        self.memory = memory
        self.verbose = verbose

    def _check(self) -> None:
        check_parts(self.steps, Pipeline, [PASSTHROUGH])

    def _children(self) -> Sequence[tuple[str, Any]]:
        return [(step[0], step[1]) for step in self.steps] if isinstance(self.steps, (list, tuple)) else ()

    def _replace_child(self, name: str, value: Any) -> None:
        self.steps = [(step[0], value if step[0] == name else step[1]) for step in self.steps]

    @property
    def named_steps(self) -> SimpleNamespace:
        """The steps by name, as attributes."""
        return SimpleNamespace(**dict(self._children()))

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, place: int | str | slice) -> Any:
        if isinstance(place, slice):
            return self._sliced(place)
        return dict(self._children())[place] if isinstance(place, str) else self.steps[place][1]

    def _sliced(self, place: slice) -> Pipeline:
        """Some steps, as far fitted as they are."""
        made = Pipeline(self.steps[place], memory=self.memory, verbose=self.verbose)
        first = next(made._parts(), None)
        if first is not None and "n_features_in_" in vars(first):
            names = ("n_features_in_", "feature_names_in_")
            vars(made).update({name: vars(first)[name] for name in names if name in vars(first)})
        return made

    def _parts(self) -> Iterator[Transformer]:
        """The steps that do something."""
        for _, part in self._children():
            if isinstance(part, Transformer):
                yield part

    def _columnwise(self) -> Sequence[Transformer]:
        found = [part._columnwise() for part in self._parts()]
        return [leaf for leaves in found for leaf in leaves] if all(found) else []

    @property
    def _needs_target(self) -> bool:  # type: ignore[override]
        return any(part._needs_target for part in self._parts())

    def _fit_parts(self, table: Table, y: Any, given: bool = True) -> list[list[Any]]:
        parts = list(self._parts())
        for part in parts if given else parts[:-1]:
            table = fit_through(table, part, y)
        if given:
            return passed_columns(table)
        for last in parts[-1:]:
            last._fit_table(table, y)  # what it gives nobody asks for here
        return []

    def _write(self, program: Program, values: list[Value]) -> list[Value]:
        for name, part in self._children():
            if isinstance(part, Transformer):
                values = program.through(name, part, values)
        return passed(program, values)

    def _unwrite(self, program: Program, values: list[Value]) -> list[Value]:
        for part in reversed(list(self._parts())):
            values = part._unwrite(program, [program.number(value) for value in values] if part._numeric else values)
        return values

    def _names_out(self, names: list[str]) -> list[str]:
        for part in self._parts():
            names = part._names_out(names)
        return names

    def _read_state(self, plain: Mapping[str, Any], place: str) -> None:
        names = list(self._names_in(0))
        for part in self._parts():
            check_fitted_on(part, len(names), "step of a fitted pipeline", place)
            names = part._names_out(names)
