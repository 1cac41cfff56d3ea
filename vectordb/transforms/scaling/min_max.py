"""MinMaxScaler: from the smallest and the largest value of a feature to a range."""

from __future__ import annotations

from math import isfinite
from typing import Any, ClassVar, Self

from ledger import InvalidInput
from vectordb.transforms.checks import check_flags, is_number
from vectordb.transforms.counterparts import adopt, floats, lend
from vectordb.transforms.program import Program, Value
from vectordb.transforms.scaling.extremes import Extremes, least, most
from vectordb.transforms.scaling.learnt import CENTRES, COUNT, SCALES, WIDTHS, blank_of, stretch
from vectordb.transforms.shapes import Shape


class MinMaxScaler(Extremes):
    """``x * scale_ + min_``: the smallest value of the fit becomes the start of ``feature_range``, the largest its end.

    ``clip`` keeps values beyond those of the fit within the range. NaN is left out of the fit and stays NaN. A feature
    whose values (nearly) agree, less than 2.2e-15 apart, is moved only. ``partial_fit`` and ``merge`` give the bits of
    one fit; nothing can be retracted. 0.05 us a value to fit. Formulas: scikit-learn's MinMaxScaler.

    >>> MinMaxScaler().fit([[1.0], [3.0], [None]]).transform([[2.0], [5.0]])
    [[0.5], [2.0]]
    """

    _picks: ClassVar = {"data_min_": least, "data_max_": most}
    _state: ClassVar[dict[str, Shape]] = {
        "data_min_": CENTRES,
        "data_max_": CENTRES,
        "data_range_": WIDTHS,
        "scale_": SCALES,
        "min_": CENTRES,
        "n_samples_seen_": COUNT,
    }

    data_min_: tuple[float, ...]
    data_max_: tuple[float, ...]

    def __init__(self, feature_range: tuple[float, float] = (0, 1), *, copy: bool = True, clip: bool = False) -> None:
        """``copy`` is scikit-learn's and changes nothing: what is given is never written to."""
        self.feature_range = feature_range
        self.copy = copy
        self.clip = clip

    def _check(self) -> None:
        check_flags(clip=self.clip)
        given = self.feature_range
        if not isinstance(given, tuple) or len(given) != 2 or not all(map(is_number, given)):
            raise InvalidInput("feature_range is a tuple of two finite numbers", feature_range=given)
        if given[0] >= given[1]:
            rule = "Minimum of desired feature range must be smaller than maximum."
            raise InvalidInput(rule, feature_range=given)

    def _range(self) -> tuple[float, float]:
        return float(self.feature_range[0]), float(self.feature_range[1])

    def _conclude(self) -> None:
        start, end = self._range()
        pairs = list(zip(self.data_min_, self.data_max_))
        self.data_range_ = tuple(high - low for low, high in pairs)
        self.scale_ = tuple(_scale(end - start, low, high) for low, high in pairs)
        self.min_ = tuple(start - low * scale for low, scale in zip(self.data_min_, self.scale_))

    def _write(self, program: Program, values: list[Value]) -> list[Value]:
        ends = list(map(program.constant, self._range()))
        outputs = []
        for place, value in enumerate(map(program.number, values)):
            scale, start = program.constant(self.scale_[place]), program.constant(self.min_[place])
            value = program.let("{0} * {1} + {2}", value, scale, start, blank=blank_of(self.scale_[place]))
            if self.clip:
                value = program.let("{1} if {0} < {1} else {2} if {0} > {2} else {0}", value, *ends)
            outputs.append(value)
        return outputs

    def _unwrite(self, program: Program, values: list[Value]) -> list[Value]:
        outputs = []
        for place, value in enumerate(values):
            scale, start = program.constant(self.scale_[place]), program.constant(self.min_[place])
            outputs.append(program.let("({0} - {2}) / {1}", value, scale, start))
        return outputs

    @classmethod
    def _from_sklearn(cls, fitted: Any) -> Self:
        made = adopt(cls, fitted)
        for name in ("data_min_", "data_max_", "data_range_", "scale_", "min_"):
            setattr(made, name, floats(fitted, name))
        made.n_samples_seen_ = int(fitted.n_samples_seen_)
        return made

    def _to_sklearn(self) -> Any:
        from sklearn.preprocessing import MinMaxScaler as Theirs

        return lend(Theirs(**self.get_params(False)), self, *self._state)


def _scale(wanted: float, low: float, high: float) -> float:
    width = stretch(high - low)
    return wanted / width if isfinite(width) or width != width else wanted / 2.0 / (high / 2.0 - low / 2.0)
