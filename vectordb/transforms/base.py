"""The base of all transformers: scikit-learn's protocol, three ways to run, and a stored form."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from math import inf
from typing import Any, ClassVar, NamedTuple, Self

from ledger import InvalidInput, NotFitted
from vectordb.transforms.executors import learn
from vectordb.transforms.fused import Fused
from vectordb.transforms.parameters import write_parameter
from vectordb.transforms.parametrized import Parametrized
from vectordb.transforms.program import FLOAT, Program, Value
from vectordb.transforms.shapes import Shape, read_object, refuse
from vectordb.transforms.table import Table, check_floats, give, read_table, to_floats

OUTPUTS = ("default", "pandas", "polars")
OTHER = ""  # no plain value
KINDS_OF_ONE = {float: FLOAT, int: "int", bool: "bool", str: "category", type(None): "category"}
PROGRAMS = 16  # for rows of different kinds of values; the oldest goes
WIDEST = 2**16  # features of a stored transformer, outputs of some: each has a name, and a step of a program


class Compiled(NamedTuple):
    """A program's functions, and what its outputs are."""

    fused: Fused
    outputs: tuple[Value, ...]

    @property
    def is_numeric(self) -> bool:
        """Whether every output is a float."""
        return all(value.kind == FLOAT for value in self.outputs)


class Transformer(Parametrized):
    """A definition (the parameters of the constructor, kept untouched) and, once fitted, what was learnt.

    Learnt attributes end in an underscore and are immutable. A subclass says ``_check`` (its parameters), ``_learn``
    (from columns), ``_write`` (its arithmetic into a program: one definition for a row, for rows and for columns),
    ``_names_out``, ``_state`` (the shape of each learnt attribute that is stored), and where there is one ``_unwrite``
    (the inverse).

    What breaks a rule raises ``InvalidInput`` (a ``ValueError``), of which ``NotFitted``, ``CannotTransform`` (a value
    that has no output) and ``NotANumber`` are kinds; they name the feature and the value.
    """

    __slots__ = ("__dict__", "__weakref__", "_compiled")
    _compiled: dict[tuple[str, ...], Compiled]
    _numeric: ClassVar[bool] = True  # takes numbers only: columns are floats when it sees them
    _nan: ClassVar[bool] = True  # NaN is allowed in them
    _needs_fit: ClassVar[bool] = True
    _needs_target: ClassVar[bool] = False
    _hands_on: ClassVar[bool] = False  # to its parts, which take a packed table themselves
    _by_column: ClassVar[tuple[str, ...]] = ()  # learnt attributes with an entry a column that rests on it alone
    _state: ClassVar[Mapping[str, Shape]] = {}

    def _changed(self) -> None:
        """Drop the programs; fitting and loading call it too."""
        object.__setattr__(self, "_compiled", {})  # in a slot: not part of what is learnt, compared or copied

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        self._changed()

    def __getstate__(self) -> dict[str, Any]:
        return dict(self.__dict__)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._changed()

    # -- fitting -----------------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from rows, columns by name, a feature matrix, an array or a data frame; ``y`` has a label a row."""
        return self._fit_table(read_table(X, type(self).__name__), y)

    def _fit_table(self, table: Table, y: Any) -> Self:
        """The same from a table."""
        self._check()
        if y is None and self._needs_target:
            raise InvalidInput(f"{type(self).__name__} requires y to be passed, but the target y is None")
        self._forget()
        ready = self._as_numbers(table)
        self._see(ready)
        learn(self, ready, y)
        return self

    def _columnwise(self) -> Sequence[Transformer]:
        """The transformers that learn each column by itself, one after the other; none where it is not so."""
        return [self] if self._by_column else []

    def _forget(self) -> None:
        for name in [name for name in vars(self) if name.endswith("_") and not name.startswith("_")]:
            delattr(self, name)
        self._changed()

    def _see(self, table: Table) -> None:
        self.n_features_in_ = len(table.columns)
        if table.names is not None:
            self.feature_names_in_ = table.names

    def _as_numbers(self, table: Table) -> Table:
        """A table whose columns are floats that are allowed, where the transformer takes numbers only."""
        if not self._numeric:
            return table
        columns = []
        for column, kind, label in zip(table.columns, table.kinds, table.labels):
            floats = column if kind == FLOAT else to_floats(column, label)
            if not (table.finite and self._nan):
                check_floats(floats, label, self._nan)
            columns.append(floats)
        return table._replace(columns=columns, kinds=(FLOAT,) * len(columns), finite=True)

    @property
    def is_fitted(self) -> bool:
        """Whether it has learnt, or has nothing to learn."""
        return "n_features_in_" in vars(self) or not self._needs_fit

    def __sklearn_is_fitted__(self) -> bool:
        return self.is_fitted

    # -- transforming ------------------------------------------------------------------------------------

    def transform(self, X: Any) -> Any:
        """The transformed rows, in the kind that was given: an array for an array, ``Dense`` for a feature matrix.

        Column by column; the bits are those of ``transform_one``.
        """
        table = self._ready(read_table(X, type(self).__name__))
        compiled = self._compile(table.labels, table.kinds)
        columns = compiled.fused.columns(table.rows, table.columns)
        return self._wrapped(give(columns, table.rows, table.like, compiled.is_numeric), X)

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Both. A transformer that learns from labels gives cross-fitted values here (see it)."""
        table = read_table(X, type(self).__name__)
        own = self._fit_transform_table(table, y)
        if own is None:
            return self.transform(X)
        floats = self._compile(table.labels, table.kinds).is_numeric
        return self._wrapped(give(own, table.rows, table.like, floats), X)

    def _fit_transform_table(self, table: Table, y: Any) -> list[list[Any]] | None:
        """Fit; the columns where those of the fit are not what ``transform`` gives."""
        self._fit_table(table, y)
        return None

    def transform_one(self, row: Any) -> tuple[Any, ...]:
        """The outputs of one row: values in order, or a mapping by feature name.

        3 us for ten features of a kind that has been seen before, 15 us else; the compiled function alone takes 1 us.
        """
        if isinstance(row, Mapping) and "n_features_in_" in vars(self):
            names = self._names_in(0)
            missing = [name for name in names if name not in row]
            if missing:
                raise InvalidInput("a row has every feature", missing=missing[:20])
            row = [row[name] for name in names]
        fused = self._seen(row)
        if fused is not None:
            return fused.row(row)
        table = self._ready(read_table([row], type(self).__name__))
        fused = self._compile(table.labels, table.kinds).fused
        return fused.row([column[0] for column in table.columns])

    def _seen(self, row: Any) -> Fused | None:
        """The function of rows of plain values of these kinds, where there is nothing in this one to refuse."""
        if type(row) not in (list, tuple) or len(row) != vars(self).get("n_features_in_") or inf in row or -inf in row:
            return None
        kinds = tuple([KINDS_OF_ONE.get(type(value), OTHER) for value in row])
        found = self._compiled.get(kinds)
        if found is None or OTHER in kinds or (self._numeric and any(kind != FLOAT for kind in kinds)):
            return None
        return found.fused if self._nan or all(value == value for value in row) else None

    def inverse_transform(self, X: Any) -> Any:
        """What would be transformed to ``X``; refused by a transformer that has no inverse."""
        self._check_fitted()
        given = read_table(X, type(self).__name__)
        names = self.get_feature_names_out() if "n_features_in_" in vars(self) else list(given.labels)
        if len(given.columns) != len(names):
            raise InvalidInput("an inverse takes as many columns as the transformer gives", given=len(given.columns))
        program = Program(names, given.kinds)
        values = [program.number(value) for value in program.inputs] if self._numeric else program.inputs
        outputs = self._unwrite(program, values)
        made = program.compile(outputs).columns(given.rows, given.columns)
        return give(made, given.rows, given.like, all(value.kind == FLOAT for value in outputs))

    def _check_fitted(self) -> None:
        if not self.is_fitted:
            raise NotFitted(f"this {type(self).__name__} instance is not fitted yet: call 'fit' first")

    def _ready(self, table: Table) -> Table:
        """A table that fits what was learnt."""
        self._check_fitted()
        if "n_features_in_" not in vars(self):
            self._check()
        else:
            self._check_features(table)
        return self._as_numbers(table)

    def _check_features(self, table: Table) -> None:
        expected, who = self.n_features_in_, type(self).__name__
        seen = vars(self).get("feature_names_in_")
        if seen is not None and table.names is not None and table.names != seen:
            raise InvalidInput(_names_differ(seen, table.names))
        if len(table.columns) != expected:
            width = len(table.columns)
            raise InvalidInput(f"X has {width} features, but {who} is expecting {expected} features as input")

    def _compile(self, labels: Sequence[str], kinds: Sequence[str]) -> Compiled:
        """The program for inputs of some kinds; kept."""
        key = tuple(kinds)
        if not hasattr(self, "_compiled"):  # of a class without parameters, not fitted
            self._changed()
        found: Compiled | None = self._compiled.get(key)
        if found is None:
            program = Program(vars(self).get("feature_names_in_") or labels, key)
            outputs = self._write(program, program.inputs)
            while len(self._compiled) >= PROGRAMS:
                self._compiled.pop(next(iter(self._compiled)), None)
            found = self._compiled[key] = Compiled(program.compile(outputs), tuple(outputs))
        return found

    # -- names -------------------------------------------------------------------------------------------

    def _names_in(self, width: int) -> Sequence[str]:
        width = vars(self).get("n_features_in_", width)
        return vars(self).get("feature_names_in_") or tuple(f"x{place}" for place in range(width))

    def get_feature_names_out(self, input_features: Any = None) -> list[str]:
        """Names of the outputs."""
        self._check_fitted()
        if input_features is None:
            if "n_features_in_" not in vars(self):
                raise NotFitted("names of outputs need names of inputs: give them, or fit first")
            return self._names_out(list(self._names_in(0)))
        given = [str(name) for name in input_features]
        seen = vars(self).get("feature_names_in_")
        if seen is not None and tuple(given) != seen:
            raise InvalidInput("input_features is not equal to feature_names_in_", given=given[:20], seen=seen[:20])
        if len(given) != vars(self).get("n_features_in_", len(given)):
            rule = "input_features should have length equal to number of features"
            raise InvalidInput(rule, given=len(given), features=self.n_features_in_)
        return self._names_out(given)

    # -- what a subclass says ------------------------------------------------------------------------------

    def _check(self) -> None:
        """Refuse parameters that break a rule. Called by ``fit``, never by the constructor."""

    def _learn(self, table: Table, y: Any) -> None:
        """Set the learnt attributes from columns (floats where ``_numeric``)."""

    def _write(self, program: Program, values: list[Value]) -> list[Value]:
        """Write the arithmetic of one row; the outputs."""
        raise NotImplementedError

    def _unwrite(self, program: Program, values: list[Value]) -> list[Value]:
        """Write the inverse."""
        raise InvalidInput(f"{type(self).__name__} has no inverse")

    def _names_out(self, names: list[str]) -> list[str]:
        """Names of the outputs; the inputs' own unless a subclass says otherwise."""
        return names

    # -- the stored form -----------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Definition and what was learnt as plain data: the same bits come back (``transformer_from_dict``)."""
        kind = type(self).__name__
        parameters = {name: write_parameter(value, f"{kind}.{name}") for name, value in self.get_params(False).items()}
        plain: dict[str, Any] = {"type": kind, "parameters": parameters}
        if "n_features_in_" in vars(self):
            names = vars(self).get("feature_names_in_")
            shown = None if names is None else list(names)
            plain["fitted"] = {
                "n_features_in_": self.n_features_in_,
                "feature_names_in_": shown,
                **self._write_state(),
            }
        return plain

    def _write_state(self) -> dict[str, Any]:
        return {name: shape.write(getattr(self, name)) for name, shape in self._state.items()}

    def _read_fitted(self, plain: Any, place: str) -> None:
        """Take what was learnt from its plain form; anything malformed is refused with its place."""
        held = read_object(plain, place, ["n_features_in_", "feature_names_in_", *self._state_names()])
        width, names = held["n_features_in_"], held["feature_names_in_"]
        if type(width) is not int or not 0 < width <= WIDEST:
            raise refuse("a number of features", f"{place}.n_features_in_", width)
        self.n_features_in_ = width
        if names is not None:
            if not isinstance(names, list) or len(names) != width or not all(type(name) is str for name in names):
                raise refuse("a name for each feature", f"{place}.feature_names_in_", names)
            self.feature_names_in_ = tuple(names)
        self._read_state({name: held[name] for name in self._state_names()}, place)

    def _state_names(self) -> list[str]:
        return list(self._state)

    def _read_state(self, plain: Mapping[str, Any], place: str) -> None:
        for name, shape in self._state.items():
            setattr(self, name, shape.read(plain[name], f"{place}.{name}"))

    # -- scikit-learn --------------------------------------------------------------------------------------

    def set_output(self, *, transform: str | None = None) -> Self:
        """Have ``transform`` give ``pandas`` or ``polars`` frames (of a package that is imported), or the default."""
        if transform is not None:
            if transform not in OUTPUTS:
                raise InvalidInput("transform is default, pandas or polars", transform=transform)
            if transform != "default" and transform not in sys.modules:
                raise InvalidInput("frames are of a package that is imported", transform=transform)
            self._sklearn_output_config = {"transform": transform}  # the name under which clone keeps it
        return self

    def _wrapped(self, made: Any, given: Any) -> Any:
        wanted = vars(self).get("_sklearn_output_config", {}).get("transform", "default")
        if wanted == "default":
            return made
        names, package = self.get_feature_names_out(), sys.modules[wanted]
        if wanted == "pandas":
            index = getattr(given, "index", None)
            return package.DataFrame(made, columns=names, index=None if callable(index) else index)
        return package.DataFrame(made, schema=names, orient="row")

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import InputTags, Tags, TargetTags, TransformerTags

        return Tags(
            estimator_type=None,
            target_tags=TargetTags(required=self._needs_target),
            transformer_tags=TransformerTags(preserves_dtype=[]),
            input_tags=InputTags(allow_nan=self._nan, categorical=not self._numeric),
            requires_fit=self._needs_fit,
        )


def _names_differ(seen: Sequence[str], given: Sequence[str]) -> str:
    """What scikit-learn says where names of features differ from those of the fit."""
    lines = ["The feature names should match those that were passed during fit."]
    unseen, missing = sorted(set(given) - set(seen)), sorted(set(seen) - set(given))
    if unseen:
        lines += ["Feature names unseen at fit time:", *(f"- {name}" for name in unseen[:5])]
    if missing:
        lines += ["Feature names seen at fit time, yet now missing:", *(f"- {name}" for name in missing[:5])]
    if not unseen and not missing:
        lines.append("Feature names must be in the same order as they were in fit.")
    return "\n".join(lines)
