"""An applied pipeline: a fitted one bound to the inputs of a service, as it takes them from packed rows.

The block of numbers of a row arrives as one tuple, unpacked from its bytes; every other input arrives as the value
that a read shows, and a vector as its elements. One compiled function takes them to the packed float64 outputs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import nan
from struct import Struct
from typing import TYPE_CHECKING, Any, NamedTuple

from ledger import WORD, CannotTransform, FeatureType, FittedPipeline, Float, InvalidInput, Vector
from vectordb.batches.dense import Dense
from vectordb.batches.packing import NUMBERS
from vectordb.transforms import Transformer, transformer_from_dict
from vectordb.transforms.fused import Fused
from vectordb.transforms.program import FLOAT, Program

if TYPE_CHECKING:
    from vectordb.services.row import ServiceRow


class Inputs(NamedTuple):
    """The inputs of a service as a pipeline sees them: a name and a kind each; a vector has one an element."""

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    places: Mapping[str, range]  # of every input of the service, by key

    @classmethod
    def of(cls, types: Mapping[str, FeatureType]) -> Inputs:
        """From the types of a service's inputs, in the model's order."""
        names: list[str] = []
        kinds: list[str] = []
        places = {}
        for key, kind in types.items():
            start = len(names)
            if isinstance(kind, Vector):
                if kind.dtype == "binary":
                    raise InvalidInput("a pipeline takes vectors of numbers", input=key, dtype=kind.dtype)
                names += [f"{key}_{place}" for place in range(kind.dim)]
                kinds += [FLOAT] * kind.dim
            else:
                names.append(key)
                kinds.append(FLOAT if kind.name in NUMBERS else kind.name)
            places[key] = range(start, len(names))
        if len(set(names)) < len(names):
            raise InvalidInput("inputs differ, and the elements of a vector are inputs too", names=names[:20])
        return cls(tuple(names), tuple(kinds), places)


class AppliedPipeline:
    """``names`` are those of the outputs, all of which are float64; ``transformer`` is the fitted pipeline."""

    __slots__ = ("_blanks", "_fused", "_numbers", "_others", "fitted", "kinds", "names", "transformer", "unpack")

    def __init__(self, fitted: FittedPipeline, types: Mapping[str, FeatureType]) -> None:
        """``types`` are those of the service's inputs by key."""
        self.fitted = fitted
        inputs = Inputs.of(types)
        self.transformer = transformer_from_dict(fitted.pipeline, fitted.label)
        _check_names(fitted, self.transformer, inputs.names)
        program = Program(inputs.names, inputs.kinds)
        outputs = self.transformer._write(program, program.inputs)
        self.names = tuple(self.transformer.get_feature_names_out(inputs.names))
        self.kinds: dict[str, FeatureType] = dict.fromkeys(self.names, Float())
        wrong = [name for name, value in zip(self.names, outputs) if value.kind != FLOAT]
        if wrong:
            raise InvalidInput("the pipeline of a service gives numbers", service=fitted.service, outputs=wrong[:10])
        repeated = sorted({name for name, count in Counter(self.names).items() if count > 1})
        if repeated or not self.names:
            rule = "the pipeline of a service gives at least one number, each with a name of its own"
            raise InvalidInput(rule, service=fitted.service, outputs=len(self.names), repeated=repeated[:10])
        # One NaN, whichever came in: the bits of a stored NaN say why there is no value, and would pass through.
        whole = [program.let("{0} if {0} == {0} else {1}", value, program.constant(nan)) if value.blank else value
                 for value in outputs]
        texts = [value.text for value in program.inputs]
        own = {key: tuple(texts[place] for place in places) for key, places in inputs.places.items()}
        self._numbers = [key for key, kind in types.items() if kind.name in NUMBERS]
        self._others = [key for key in types if key not in self._numbers]
        self._blanks = {key: [nan] * kind.dim for key, kind in types.items() if isinstance(kind, Vector)}
        groups = [own[key] if key in self._blanks else own[key][0] for key in self._others]
        numbers = tuple(own[key][0] for key in self._numbers)
        self._fused = program.compile(whole).grouped([numbers, *groups])
        self.unpack = Struct(f"={len(self.names)}d").unpack

    @property
    def width(self) -> int:
        """How many numbers a row becomes."""
        return len(self.names)

    def block(self, data: bytes) -> Dense:
        """Packed rows as a block."""
        return Dense(data, (len(data) // (WORD * self.width), self.width), "float64")

    def pack_row(self, row: ServiceRow) -> bytes:
        """The outputs of a row that a service read."""
        numbers = [nan if (value := row[key]) is None else float(value) for key in self._numbers]
        others = [self._other(key, row[key]) for key in self._others]
        try:
            return self._fused.packed((numbers, *others))
        except CannotTransform as error:
            raise _located(error, self.fitted.label, row.entity) from error

    def _other(self, key: str, value: Any) -> Any:
        """The value of an input that is no number; of a missing vector, NaN an element."""
        return self._blanks[key] if value is None and key in self._blanks else value

    def task(self, numbers: bytes, others: Mapping[str, Sequence[Any]]) -> Task:
        """A piece of work: the block of numbers, and the other inputs as columns of shown values by key."""
        columns = [
            [self._other(key, value) for value in others[key]] if key in self._blanks else others[key]
            for key in self._others
        ]
        return Task(self._fused, len(self._numbers), numbers, columns)

    def locate(self, task: Task, entities: Sequence[Any], error: CannotTransform) -> CannotTransform:
        """The error of the first row of a piece that cannot be transformed, with its entity."""
        for entity, row in zip(entities, task.rows(len(entities))):
            try:
                task.fused.packed(row)
            except CannotTransform as found:
                return _located(found, self.fitted.label, entity)
        return error


class Task(NamedTuple):
    """A piece of work for an executor: rows of inputs, and the function of one row. Plain data."""

    fused: Fused
    width: int
    numbers: bytes
    others: list[Sequence[Any]]

    def rows(self, count: int) -> Iterable[tuple[Any, ...]]:
        """The inputs of each row."""
        form = f"={self.width}d"
        numbers: Iterable[Any] = Struct(form).iter_unpack(self.numbers) if self.width else [()] * count
        return zip(numbers, *self.others)


def transform(task: Task) -> bytes:
    """The outputs of all rows of a task, joined."""
    count = len(task.others[0]) if task.others else 0
    return b"".join(task.fused.packed_rows(task.rows(count)))


def cutter(width: int) -> Callable[[bytes], Iterable[tuple[bytes]]]:
    """What cuts joined rows of so many numbers apart."""
    return Struct(f"{WORD * width}s").iter_unpack


def _check_names(fitted: FittedPipeline, transformer: Transformer, names: tuple[str, ...]) -> None:
    seen = vars(transformer).get("feature_names_in_")
    width = vars(transformer).get("n_features_in_")
    if width is None:
        raise InvalidInput("a pipeline that is applied is fitted", pipeline=fitted.label)
    if (seen is not None and seen != names) or width != len(names):
        rule = "a pipeline was fitted on the inputs of its service, in its order"
        fits = list(seen[:20]) if seen else width
        raise InvalidInput(rule, pipeline=fitted.label, fitted_on=fits, inputs=list(names[:20]))


def _located(error: CannotTransform, pipeline: str, entity: Any) -> CannotTransform:
    """The same error with the pipeline and the entity."""
    return type(error)(error.rule, **{**error.values, "pipeline": pipeline, "entity": entity})
