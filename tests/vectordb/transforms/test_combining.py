"""What transformers that are merged and retracted refuse, whatever their kind."""

from __future__ import annotations

import pytest

from ledger import InvalidInput, NotFitted
from vectordb.transforms import (
    ColumnTransformer,
    CountEncoder,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    SimpleImputer,
    StandardScaler,
    TargetEncoder,
    WOEEncoder,
    dumps,
)

KINDS = [
    StandardScaler,
    MinMaxScaler,
    MaxAbsScaler,
    SimpleImputer,
    OneHotEncoder,
    OrdinalEncoder,
    CountEncoder,
    TargetEncoder,
    WOEEncoder,
    lambda: ColumnTransformer([("scale", StandardScaler(), [0])]),
]
LABELS = [0, 1]


def fitted(make, rows):
    return make().fit(rows, LABELS)


@pytest.mark.parametrize("make", KINDS)
def test_only_what_is_alike_is_combined(make):
    own = fitted(make, [[1.0], [2.0]])
    before = dumps(own)
    others = [fitted(kind, [[1.0], [2.0]]) for kind in KINDS if kind is not make]
    for other in (*others, 3, None, fitted(make, [[1.0, 2.0], [2.0, 3.0]])):
        with pytest.raises(InvalidInput):
            own.merge(other)
        with pytest.raises(InvalidInput):
            own.retract(other)
    with pytest.raises(NotFitted):
        own.merge(make())
    assert dumps(own) == before


@pytest.mark.parametrize("make", KINDS)
def test_features_of_other_names_are_not_combined(make):
    own, other = fitted(make, {"km": [1.0, 2.0]}), fitted(make, {"price": [3.0, 4.0]})
    with pytest.raises(InvalidInput, match="same features"):
        own.merge(other)
    unnamed = fitted(make, [[1.0], [2.0]])
    if make is not KINDS[-1]:  # whose parts go by name
        assert own.merge(unnamed).feature_names_in_ == ("km",)
