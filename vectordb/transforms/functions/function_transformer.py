"""FunctionTransformer: a known function of each value, by its name."""

from __future__ import annotations

import sys
from math import isclose
from typing import Any, Self
from warnings import warn

from ledger import InvalidInput
from vectordb.transforms.base import Transformer
from vectordb.transforms.counterparts import adopt_features, lend
from vectordb.transforms.functions.known_functions import FUNCTIONS, NAMES_OF_UFUNCS, Named, check_function
from vectordb.transforms.program import OTHER_NUMBERS, Program, Value
from vectordb.transforms.table import Table, without_infinities

ROWS_CHECKED = 100


class FunctionTransformer(Transformer):
    """``func`` of every value; ``inverse_func`` is what ``inverse_transform`` does. One column a feature.

    Both are names: identity, log, log1p, log10, log2, exp, expm1, sqrt, square, abs, sign, reciprocal, negative, sin,
    cos, tan, tanh, sigmoid, floor, ceil, round (half to even), is_missing; None is identity, as in scikit-learn, for
    the inverse too. A callable is refused: it could not be stored as data. NaN stays NaN (is_missing gives 1 or 0),
    and a value without a finite result (the logarithm of 0) is refused with the feature named. There is nothing to
    learn; with ``check_inverse``, a fit warns where the inverse does not lead back. 0.03 to 0.3 us a value.

    >>> logarithm = FunctionTransformer("log1p", "expm1").fit({"price": [0.0, 9.0]})
    >>> logarithm.transform_one({"price": 0.0})
    (0.0,)
    >>> logarithm.transform_one({"price": -1.0})
    Traceback (most recent call last):
    ledger.errors.CannotTransform: log1p of a value is a finite number (feature='price', value=-1.0)
    """

    _needs_fit = False

    def __init__(
        self,
        func: str | None = None,
        inverse_func: str | None = None,
        *,
        validate: bool = False,
        check_inverse: bool = True,
        feature_names_out: str | None = None,
    ) -> None:
        """``validate`` is scikit-learn's and changes nothing; names of outputs are those of the inputs in any case."""
        self.func = func
        self.inverse_func = inverse_func
        self.validate = validate
        self.check_inverse = check_inverse
        self.feature_names_out = feature_names_out

    @property
    def _numeric(self) -> bool:  # type: ignore[override]
        return self.func not in (None, "identity")

    def _check(self) -> None:
        check_function(self.func, "func")
        check_function(self.inverse_func, "inverse_func")
        if self.feature_names_out not in (None, "one-to-one"):
            raise InvalidInput("feature_names_out is None or 'one-to-one'", feature_names_out=self.feature_names_out)

    def _as_numbers(self, table: Table) -> Table:
        return without_infinities(super()._as_numbers(table))

    def _learn(self, table: Table, y: Any) -> None:
        if self.check_inverse and self.func is not None and self.inverse_func is not None:
            step = max(1, table.rows // ROWS_CHECKED)
            if not all(self._leads_back(column[::step]) for column in table.columns):
                warn("inverse_func does not lead back from func on the data of the fit", UserWarning, stacklevel=4)

    def _leads_back(self, column: list[Any]) -> bool:
        program = Program(["x0"], ["float" if self._numeric else "category"])
        outputs = self._unwrite(program, self._write(program, program.inputs))
        (found,) = program.compile(outputs).columns(len(column), [column])
        pairs = zip(column, found)
        return all(one == other or _is_close(one, other) for one, other in pairs)

    def _write(self, program: Program, values: list[Value]) -> list[Value]:
        return [_apply(program, value, self.func) for value in values]

    def _unwrite(self, program: Program, values: list[Value]) -> list[Value]:
        return [_apply(program, value, self.inverse_func) for value in values]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.no_validation = not self._numeric
        return tags

    @classmethod
    def _from_sklearn(cls, fitted: Any) -> Self:
        for name in ("kw_args", "inv_kw_args"):
            if getattr(fitted, name):
                raise InvalidInput("a known function takes no further arguments", parameter=name)
        if callable(fitted.feature_names_out):
            raise InvalidInput("names of outputs are those of inputs", parameter="feature_names_out")
        made = cls(
            _name_of(fitted.func, "func"),
            _name_of(fitted.inverse_func, "inverse_func"),
            validate=fitted.validate,
            check_inverse=fitted.check_inverse,
            feature_names_out=fitted.feature_names_out,
        )
        return adopt_features(made, fitted, needs_fit=False)

    def _to_sklearn(self) -> Any:
        from sklearn.preprocessing import FunctionTransformer as Theirs

        theirs = Theirs(
            _ufunc(self.func),
            _ufunc(self.inverse_func),
            validate=self.validate,
            check_inverse=self.check_inverse,
            feature_names_out="one-to-one",
        )
        return lend(theirs, self)


def _apply(program: Program, value: Value, name: str | None) -> Value:
    if name in (None, "identity"):
        return program.number(value) if value.kind in OTHER_NUMBERS else value
    value, known = program.number(value), FUNCTIONS[str(name)]
    if known.function is not None:
        return program.let("{1}({0})", value, program.constant(Named(str(name), value.label)))
    return program.let(known.template, value, blank=value.blank and name != "is_missing")


def _is_close(one: Any, other: Any) -> bool:
    """As scikit-learn compares them; NaN is NaN."""
    if one != one or other != other:
        return bool(one != one and other != other)
    return isinstance(one, float) and isinstance(other, float) and isclose(one, other, rel_tol=1e-7, abs_tol=1e-9)


def _name_of(func: Any, parameter: str) -> str | None:
    """The name of a function of NumPy or SciPy."""
    if func is None:
        return None
    kind = type(func)
    name = NAMES_OF_UFUNCS.get(str(getattr(func, "__name__", "")))
    if kind.__name__ != "ufunc" or not kind.__module__.startswith("numpy") or name is None:
        known = sorted(NAMES_OF_UFUNCS)
        raise InvalidInput("a function is one of these of NumPy or SciPy", parameter=parameter, func=func, known=known)
    return name


def _ufunc(name: str | None) -> Any:
    if name in (None, "identity"):
        return None
    if name == "sigmoid":
        from scipy.special import expit

        return expit
    return getattr(sys.modules["numpy"], FUNCTIONS[str(name)].ufunc)
