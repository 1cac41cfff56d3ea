"""Counterpart: a SimpleImputer made of a fitted one of scikit-learn's, and the other way."""

from __future__ import annotations

from math import isinf
from typing import TYPE_CHECKING, Any, TypeVar

from ledger import InvalidInput
from vectordb.transforms.counterparts import adopt, lend, plain_value
from vectordb.transforms.filling.missing import EMPTY, NUMBER, OTHER, is_blank
from vectordb.transforms.filling.missing_indicator import their_marker

if TYPE_CHECKING:
    from vectordb.transforms.filling.simple_imputer import SimpleImputer

Own = TypeVar("Own", bound="SimpleImputer")


def from_theirs(kind: type[Own], fitted: Any) -> Own:
    """Ours; it has no sums, so nothing is learnt on."""
    made = adopt(kind, fitted)
    fills = [plain_value(fill) for fill in fitted.statistics_]
    text = fitted._fit_dtype.kind == "O"
    made.empty_ = tuple(is_blank(fill) and not made.keep_empty_features for fill in fills)
    made.kinds_ = tuple(EMPTY if gone else OTHER if text else NUMBER for gone in made.empty_)
    made.statistics_ = tuple(fill if text or gone else float(fill) for fill, gone in zip(fills, made.empty_))
    if any(isinstance(fill, float) and isinf(fill) for fill in fills):
        raise InvalidInput("what is taken over is finite", attribute="statistics_", value=fills[:20])
    marked = set(fitted.indicator_.features_.tolist()) if made.add_indicator else ()
    made.gaps_ = tuple(int(place in marked) for place in range(made.n_features_in_))
    made.sums_ = None
    made._mark()
    return made


def to_theirs(own: SimpleImputer) -> Any:
    """A fitted one of scikit-learn's: of numbers, or of objects where any feature is none of numbers."""
    import numpy
    from sklearn.impute import SimpleImputer as Theirs

    kind = object if OTHER in own._kinds() else float
    made = lend(Theirs(**{**own.get_params(False), "missing_values": their_marker(own)}), own)
    made.statistics_ = numpy.array(own.statistics_, dtype=kind)
    made._fit_dtype = made._fill_dtype = numpy.dtype(kind)
    made.indicator_ = None
    if own.indicator_ is not None:
        own.indicator_.n_features_in_ = own.n_features_in_
        made.indicator_ = own.indicator_._to_sklearn()
        made.indicator_._precomputed = True
    return made
