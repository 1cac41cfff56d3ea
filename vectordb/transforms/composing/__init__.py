"""Transformers made of transformers."""

from vectordb.transforms.composing.checks import check_deep
from vectordb.transforms.composing.column_transformer import ColumnTransformer
from vectordb.transforms.composing.feature_union import FeatureUnion
from vectordb.transforms.composing.of_type import OfType
from vectordb.transforms.composing.pipeline import Pipeline
from vectordb.transforms.copying import unfitted

__all__ = ["ColumnTransformer", "FeatureUnion", "OfType", "Pipeline", "check_deep", "unfitted"]
