"""Transformations: preprocessing that is learnt once, stored as data, and applied to a row or a million alike.

``base`` is the contract, ``program`` what a transformer writes its arithmetic into (``fused`` compiles it), ``table``
what it is given. The transformers stand in ``scaling``, ``shaping``, ``filling``, ``encoding``, ``times`` and
``functions``, and those made of others in ``composing``. ``exact`` is what is merged; ``registry`` reads and writes
the stored form; ``sklearn_door`` and ``counterparts`` come from scikit-learn and go back.
"""

from vectordb.transforms.base import Transformer
from vectordb.transforms.composing import ColumnTransformer, FeatureUnion, OfType, Pipeline
from vectordb.transforms.encoding import (
    CountEncoder,
    FeatureHasher,
    LabelEncoder,
    OneHotEncoder,
    OrdinalEncoder,
    TargetEncoder,
    WOEEncoder,
)
from vectordb.transforms.filling import MissingIndicator, SimpleImputer
from vectordb.transforms.functions import FunctionTransformer
from vectordb.transforms.registry import dumps, loads, transformer_from_dict
from vectordb.transforms.scaling import (
    Binarizer,
    Clip,
    Log1p,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    RobustScaler,
    StandardScaler,
    Winsorizer,
)
from vectordb.transforms.shaping import (
    KBinsDiscretizer,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    SplineTransformer,
)
from vectordb.transforms.sklearn_door import from_sklearn, to_sklearn
from vectordb.transforms.times import CyclicalFeatures, DatetimeFeatures

__all__ = [
    "Binarizer",
    "Clip",
    "ColumnTransformer",
    "CountEncoder",
    "CyclicalFeatures",
    "DatetimeFeatures",
    "FeatureHasher",
    "FeatureUnion",
    "FunctionTransformer",
    "KBinsDiscretizer",
    "LabelEncoder",
    "Log1p",
    "MaxAbsScaler",
    "MinMaxScaler",
    "MissingIndicator",
    "Normalizer",
    "OfType",
    "OneHotEncoder",
    "OrdinalEncoder",
    "Pipeline",
    "PolynomialFeatures",
    "PowerTransformer",
    "QuantileTransformer",
    "RobustScaler",
    "SimpleImputer",
    "SplineTransformer",
    "StandardScaler",
    "TargetEncoder",
    "Transformer",
    "WOEEncoder",
    "Winsorizer",
    "dumps",
    "from_sklearn",
    "loads",
    "to_sklearn",
    "transformer_from_dict",
]
