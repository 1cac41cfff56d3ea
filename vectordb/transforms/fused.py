"""Fused steps: the steps of a program as one function of a row, of many rows, or of columns.

Values that stand in one place only are written there, so that a chain of transformers is one expression an output where
it can be. The text that is compiled is made of templates of this package and of names made in ``program``; what data
holds stands in constants.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from secrets import token_hex
from struct import Struct
from typing import Any, Final, NamedTuple

PLACE: Final = re.compile(r"\{(\d+)\}")
NESTED: Final = 25  # expressions within expressions: Python reads no more than 200


class Step(NamedTuple):
    """``targets = template``, where ``{0}`` stands for the first of ``arguments``."""

    targets: tuple[str, ...]
    template: str
    arguments: tuple[str, ...]


Group = str | tuple[str, ...]  # an input, or several that arrive together as one sequence


class Fused:
    """The compiled forms of a program, each made on first use. It can be sent to another process, which keeps it.

    ``row``: values -> tuple. ``packed``: values -> bytes of float64. ``rows``, ``packed_rows``: the same for many.
    ``columns``: (number of rows, columns) -> columns.
    """

    def __init__(
        self,
        inputs: Sequence[Group],
        steps: Sequence[Step],
        outputs: Sequence[str],
        constants: Mapping[str, Any],
        token: str = "",
    ) -> None:
        """``token`` names one such object across processes."""
        self.token = token or token_hex(16)
        self.inputs = tuple(inputs)
        self.steps = tuple(steps)
        self.outputs = tuple(outputs)
        self.constants = dict(constants)
        self.width = len(self.outputs)
        self._by_target = {target: step for step in self.steps for target in step.targets}
        self._once = self._used_once()

    def __reduce__(self) -> tuple[Any, ...]:
        return _sent, (self.inputs, self.steps, self.outputs, self.constants, self.token)

    def grouped(self, groups: Sequence[Group]) -> Fused:
        """The same, whose inputs arrive in another order or together: ``(("x0", "x2"), "x1")``."""
        return Fused(groups, self.steps, self.outputs, self.constants)

    def _used_once(self) -> set[str]:
        """Values that stand in one place only: their expression is written there, unless it is nested too deep."""
        uses = Counter(self.outputs)
        for step in self.steps:
            uses.update(step.arguments[int(place)] for place in PLACE.findall(step.template))
        depths: dict[str, int] = {}
        for step in self.steps:
            depth = 1 + max((depths.get(name, 0) for name in step.arguments), default=0)
            if len(step.targets) == 1 and uses[step.targets[0]] == 1 and depth < NESTED:
                depths[step.targets[0]] = depth
        return set(depths)

    def _shown(self, name: str) -> str:
        return f"({self._expression(self._by_target[name])})" if name in self._once else name

    def _expression(self, step: Step) -> str:
        return PLACE.sub(lambda match: self._shown(step.arguments[int(match[1])]), step.template)

    def _needs(self, step: Step) -> list[str]:
        """The variables of an expression, each once."""
        found: dict[str, None] = {}
        for name in step.arguments:
            if name in self._once:
                found.update(dict.fromkeys(self._needs(self._by_target[name])))
            elif name[0] in "xt":  # no constant
                found[name] = None
        return list(found)

    def _body(self) -> list[str]:
        return [
            f"{', '.join(step.targets)} = {self._expression(step)}"
            for step in self.steps
            if step.targets[0] not in self._once
        ]

    def _results(self) -> str:
        return "".join(f"{self._shown(name)}, " for name in self.outputs)

    def _unpacking(self) -> str:
        groups = (group if isinstance(group, str) else f"[{', '.join(group)}]" for group in self.inputs)
        return f"[{', '.join(groups)}]"  # in brackets: also of no inputs

    def _make(self, name: str, lines: Iterable[str]) -> Callable[..., Any]:
        pack = Struct(f"={self.width}d").pack
        namespace: dict[str, Any] = {**self.constants, "pack": pack, "range": range, "zip": zip, "abs": abs}
        namespace["__builtins__"] = {}
        exec(compile("\n".join(lines), "<pipeline>", "exec"), namespace)
        made: Callable[..., Any] = namespace[name]
        return made

    def _of_row(self, name: str, result: str) -> Callable[..., Any]:
        lines = [f"def {name}(values):", f" {self._unpacking()} = values"]
        return self._make(name, [*lines, *(f" {line}" for line in self._body()), f" return {result}"])

    def _of_rows(self, name: str, result: str) -> Callable[..., Any]:
        lines = [f"def {name}(table):", " out = []", " add = out.append", f" for {self._unpacking()} in table:"]
        return self._make(name, [*lines, *(f"  {line}" for line in self._body()), f"  add({result})", " return out"])

    @cached_property
    def row(self) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
        """The outputs of one row."""
        return self._of_row("row", f"({self._results()})")

    @cached_property
    def packed(self) -> Callable[[Sequence[Any]], bytes]:
        """The outputs of one row as float64."""
        return self._of_row("packed", f"pack({self._results()})")

    @cached_property
    def rows(self) -> Callable[[Iterable[Sequence[Any]]], list[tuple[Any, ...]]]:
        """The outputs of many rows."""
        return self._of_rows("rows", f"({self._results()})")

    @cached_property
    def packed_rows(self) -> Callable[[Iterable[Sequence[Any]]], list[bytes]]:
        """The outputs of many rows, each as float64."""
        return self._of_rows("packed_rows", f"pack({self._results()})")

    @cached_property
    def columns(self) -> Callable[[int, Sequence[Sequence[Any]]], list[list[Any]]]:
        """The outputs of many rows, column by column: each step runs over whole columns."""
        lines = ["def columns(rows, table):", f" {self._unpacking()} = table"]
        for step in self.steps:
            if step.targets[0] not in self._once:
                lines += self._column_lines(step)
        results = []
        for name in self.outputs:
            if name in self._once:
                results.append(self._comprehension(self._by_target[name]))
            else:
                results.append(name)
        return self._make("columns", [*lines, f" return [{', '.join(results)}]"])

    def _column_lines(self, step: Step) -> list[str]:
        """A step over columns; several targets are taken apart."""
        if len(step.targets) == 1:
            return [f" {step.targets[0]} = {self._comprehension(step)}"]
        lines = [f" both = {self._comprehension(step)}"]
        return lines + [f" {target} = [one[{place}] for one in both]" for place, target in enumerate(step.targets)]

    def _comprehension(self, step: Step) -> str:
        needs, expression = self._needs(step), self._expression(step)
        if not needs:
            return f"[{expression} for _ in range(rows)]"
        if len(needs) == 1:
            return f"[{expression} for {needs[0]} in {needs[0]}]"
        return f"[{expression} for {', '.join(needs)} in zip({', '.join(needs)})]"


_SENT: dict[str, Fused] = {}  # what came from another process: compiled once, not once a piece of work
SENT: Final = 64


def _sent(inputs: Any, steps: Any, outputs: Any, constants: Any, token: str) -> Fused:
    found = _SENT.get(token)
    if found is None:
        while len(_SENT) >= SENT:
            _SENT.pop(next(iter(_SENT)), None)
        found = _SENT[token] = Fused(inputs, steps, outputs, constants, token)
    return found
