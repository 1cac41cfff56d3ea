"""Encoders: categories as numbers."""

from vectordb.transforms.encoding.count import CountEncoder
from vectordb.transforms.encoding.hasher import FeatureHasher
from vectordb.transforms.encoding.label import LabelEncoder
from vectordb.transforms.encoding.murmur import murmur3_32
from vectordb.transforms.encoding.one_hot import OneHotEncoder
from vectordb.transforms.encoding.ordinal import OrdinalEncoder
from vectordb.transforms.encoding.target import TargetEncoder
from vectordb.transforms.encoding.woe import WOEEncoder

__all__ = [
    "CountEncoder",
    "FeatureHasher",
    "LabelEncoder",
    "OneHotEncoder",
    "OrdinalEncoder",
    "TargetEncoder",
    "WOEEncoder",
    "murmur3_32",
]
