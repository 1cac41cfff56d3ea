"""Transformations: preprocessing that is learnt once, stored as data, and applied to a row or a million alike."""

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
from vectordb.transforms.registry import dumps, loads, transformer_from_dict
from vectordb.transforms.scaling import StandardScaler
from vectordb.transforms.sklearn_door import from_sklearn, to_sklearn
from vectordb.transforms.times import CyclicalFeatures, DatetimeFeatures, FunctionTransformer

__all__ = [
    "ColumnTransformer",
    "CountEncoder",
    "CyclicalFeatures",
    "DatetimeFeatures",
    "FeatureHasher",
    "FeatureUnion",
    "FunctionTransformer",
    "LabelEncoder",
    "MissingIndicator",
    "OfType",
    "OneHotEncoder",
    "OrdinalEncoder",
    "Pipeline",
    "SimpleImputer",
    "StandardScaler",
    "TargetEncoder",
    "Transformer",
    "WOEEncoder",
    "dumps",
    "from_sklearn",
    "loads",
    "to_sklearn",
    "transformer_from_dict",
]
