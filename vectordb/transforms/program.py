"""A program: what a fitted transformer does to one row, as straight-line arithmetic, run in any of three ways.

Every fitted transformer writes its steps into a program (``Transformer._write``); a chain writes into the same one,
so it is fused. From the one text of each step come the function of a row, of many rows, and of columns: they cannot
differ in a bit. The text is made of templates that stand in this package and of names made here (``x0``, ``t3``,
``k1``); numbers become literals, and everything else, names of features and categories too, stands in constants, so
nothing that a file holds is ever run.

Measured on imputer, scaler and one-hot of ten features: generated source 1.1 us a row, one closure a step 4.6 us.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf, isfinite, isinf, nan
from typing import Any, Final, NamedTuple

from ledger import CannotTransform, NotANumber
from vectordb.transforms.fused import Fused, Step

FLOAT: Final = "float"  # the kind of a value that is a float, NaN where there is none; other kinds are as they came
OTHER_NUMBERS: Final = frozenset({"int", "bool", "number"})  # kinds of numbers that are not floats yet
LITERAL: Final = 2**63  # whole numbers below it are written out: texts of long ones are slow, and limited by Python


class Value(NamedTuple):
    """A variable of a program: its name there, the name of the feature, its kind, and whether it may be blank.

    ``blank``: NaN, or None where it is no float.
    """

    text: str
    label: str
    kind: str = FLOAT
    blank: bool = True


class Program:
    """Steps from inputs to outputs."""

    def __init__(self, labels: Sequence[str], kinds: Sequence[str]) -> None:
        self.constants: dict[str, Any] = {}
        self.steps: list[Step] = []
        self.inputs = [Value(f"x{place}", label, kind) for place, (label, kind) in enumerate(zip(labels, kinds))]
        self._targets = 0

    def constant(self, value: Any) -> str:
        """How a constant stands in a template: a finite number as a literal, anything else by a name."""
        if (type(value) is int and -LITERAL < value < LITERAL) or (type(value) is float and isfinite(value)):
            return f"({value!r})"
        name = f"k{len(self.constants)}"
        self.constants[name] = value
        return name

    def let(
        self,
        template: str,
        *arguments: Value | str,
        label: str | None = None,
        kind: str = FLOAT,
        blank: bool | None = None,
    ) -> Value:
        """A new value; its label and whether it may be blank are those of the first argument, unless they are given.

        ``arguments`` are values, or constants as ``constant`` gave them.
        """
        first = next((argument for argument in arguments if isinstance(argument, Value)), None)
        if label is None:
            label = first.label if first is not None else ""
        if blank is None:
            blank = first is not None and first.blank
        (target,) = self._step(template, arguments, 1)
        return Value(target, label, kind, blank)

    def let_many(
        self, template: str, *arguments: Value | str, labels: Sequence[str], blank: bool = False, kind: str = FLOAT
    ) -> list[Value]:
        """Values that one expression gives together, as a sequence of as many items as there are labels."""
        if not labels:
            return []
        targets = self._step(template, arguments, len(labels), several=True)
        return [Value(target, label, kind, blank) for target, label in zip(targets, labels, strict=True)]

    def _step(
        self, template: str, arguments: Sequence[Value | str], count: int, several: bool = False
    ) -> tuple[str, ...]:
        targets = tuple(f"t{self._targets + place}" for place in range(count))
        self._targets += count
        texts = tuple(argument.text if isinstance(argument, Value) else argument for argument in arguments)
        # One target of a sequence is taken out of it: the template gives a sequence of one item.
        shown = f"({template})[0]" if several and count == 1 else template
        self.steps.append(Step(targets, shown, texts))
        return targets

    def number(self, value: Value) -> Value:
        """A value as a float; None becomes NaN, and what is no number is refused with the feature's name."""
        if value.kind == FLOAT:
            return value
        return self.let("{1}({0})", value, self.constant(ToNumber(value.label)))

    def present(self, value: Value, rule: str) -> Value:
        """A float that is not NaN: one that is, is refused by a rule."""
        value = self.number(value)
        if not value.blank:
            return value
        refusal = self.constant(Refusal(value.label, rule))
        return self.let("{0} if {0} == {0} else {1}({0})", value, refusal, blank=False)

    def through(self, name: str, part: Any, values: list[Value]) -> list[Value]:
        """What a named part of a transformer makes of values; who explains a pipeline watches here."""
        made: list[Value] = part._write(self, values)
        return made

    def compile(self, outputs: Sequence[Value]) -> Fused:
        """The functions of the whole program."""
        texts = [value.text for value in outputs]
        return Fused([value.text for value in self.inputs], self.steps, texts, self.constants)


class ToNumber:
    """Makes the float of a value of one feature."""

    __slots__ = ("label",)

    def __init__(self, label: str) -> None:
        self.label = label

    def __call__(self, value: Any) -> float:
        if value is None:
            return nan
        if isinstance(value, (str, bytes)) or not hasattr(value, "__float__"):
            raise NotANumber("could not convert to a number", feature=self.label, value=value)
        try:
            number = float(value)
        except OverflowError:  # an int beyond float64
            number = inf
        if isinf(number):
            raise CannotTransform("a number is finite", feature=self.label, value=value)
        return number


class Refusal:
    """Refuses a value of one feature by a rule."""

    __slots__ = ("label", "rule")

    def __init__(self, label: str, rule: str) -> None:
        self.label = label
        self.rule = rule

    def __call__(self, value: Any) -> float:
        raise CannotTransform(self.rule, feature=self.label, value=value)


class Lookup(dict[Any, Any]):
    """What each category becomes; a miss goes to ``unknown``, or is refused where the feature knows no such policy.

    NaN is no equal of itself: ``blank`` is what it becomes (None: it is unknown too).
    """

    def __init__(self, known: Mapping[Any, Any], label: str, rule: str, unknown: Any = None, blank: Any = None) -> None:
        """``rule`` is what an unknown category breaks where ``unknown`` is None."""
        super().__init__(known)
        self.label = label
        self.rule = rule
        self.unknown = unknown
        self.blank = blank

    def __missing__(self, value: Any) -> Any:
        if value != value and self.blank is not None:
            return self.blank
        if self.unknown is None:
            raise CannotTransform(self.rule, feature=self.label, value=value)
        return self.unknown

    def __reduce__(self) -> tuple[Any, ...]:
        return Lookup, (dict(self), self.label, self.rule, self.unknown, self.blank)
