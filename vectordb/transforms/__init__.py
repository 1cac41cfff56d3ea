"""Transformations: preprocessing that is learnt once, stored as data, and applied to a row or a million alike."""

from vectordb.transforms.base import Compiled, Transformer
from vectordb.transforms.composing import ColumnTransformer, FeatureUnion, OfType, Pipeline, unfitted
from vectordb.transforms.program import FLOAT, Fused, Program
from vectordb.transforms.registry import dumps, loads, transformer_from_dict
from vectordb.transforms.scaling import StandardScaler
from vectordb.transforms.sharing import fit_shared
from vectordb.transforms.table import Table, read_table

__all__ = [
    "ColumnTransformer",
    "Compiled",
    "FLOAT",
    "FeatureUnion",
    "Fused",
    "OfType",
    "Pipeline",
    "Program",
    "StandardScaler",
    "Table",
    "Transformer",
    "dumps",
    "fit_shared",
    "loads",
    "read_table",
    "transformer_from_dict",
    "unfitted",
]
