"""MaxAbsScaler: a feature divided by its largest distance from 0."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from ledger import InvalidInput
from vectordb.transforms.checks import check_flags
from vectordb.transforms.counterparts import adopt, floats, lend
from vectordb.transforms.program import Program, Value
from vectordb.transforms.scaling.extremes import Extremes, furthest
from vectordb.transforms.scaling.learnt import COUNT, SCALES, WIDTHS, blank_of, stretch
from vectordb.transforms.shapes import Shape


class MaxAbsScaler(Extremes):
    """``x / scale_``: the value furthest from 0 becomes 1 or -1, and 0 stays 0.

    ``clip`` keeps values beyond those of the fit within -1 and 1. NaN is left out of the fit and stays NaN. A feature
    that is nowhere further from 0 than 2.2e-15 stays as it is. ``partial_fit`` and ``merge`` give the bits of one fit;
    nothing can be retracted. 0.05 us a value to fit. Formulas: scikit-learn's MaxAbsScaler.

    >>> MaxAbsScaler().fit([[1.0], [-4.0], [None]]).transform([[2.0], [-8.0]])
    [[0.5], [-2.0]]
    """

    _picks: ClassVar = {"max_abs_": furthest}
    _state: ClassVar[dict[str, Shape]] = {"max_abs_": WIDTHS, "scale_": SCALES, "n_samples_seen_": COUNT}

    max_abs_: tuple[float, ...]

    def __init__(self, *, copy: bool = True, clip: bool = False) -> None:
        """``copy`` is scikit-learn's and changes nothing: what is given is never written to."""
        self.copy = copy
        self.clip = clip

    def _check(self) -> None:
        check_flags(clip=self.clip)

    def _conclude(self) -> None:
        self.scale_ = tuple(map(stretch, self.max_abs_))

    def _write(self, program: Program, values: list[Value]) -> list[Value]:
        outputs = []
        for place, value in enumerate(map(program.number, values)):
            scale = self.scale_[place]
            value = program.let("{0} / {1}", value, program.constant(scale), blank=blank_of(scale))
            if self.clip:
                value = program.let("-1.0 if {0} < -1.0 else 1.0 if {0} > 1.0 else {0}", value)
            outputs.append(value)
        return outputs

    def _unwrite(self, program: Program, values: list[Value]) -> list[Value]:
        pairs = zip(values, map(program.constant, self.scale_))
        return [program.let("{0} * {1}", value, scale) for value, scale in pairs]

    @classmethod
    def _from_sklearn(cls, fitted: Any) -> Self:
        made = adopt(cls, fitted)
        made.max_abs_ = floats(fitted, "max_abs_")
        made.scale_ = floats(fitted, "scale_")
        made.n_samples_seen_ = int(fitted.n_samples_seen_)
        return made

    def _to_sklearn(self) -> Any:
        from sklearn.preprocessing import MaxAbsScaler as Theirs

        given = self.get_params(False)
        if not hasattr(Theirs(), "clip") and given.pop("clip"):  # one that is older
            raise InvalidInput("this scikit-learn has no clip", clip=self.clip)
        return lend(Theirs(**given), self, *self._state)
