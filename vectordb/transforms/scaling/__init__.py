"""Scalers: a feature moved and stretched, kept within limits; a row brought to length one."""

from vectordb.transforms.scaling.binarizer import Binarizer
from vectordb.transforms.scaling.clip import Clip
from vectordb.transforms.scaling.log1p import Log1p
from vectordb.transforms.scaling.max_abs import MaxAbsScaler
from vectordb.transforms.scaling.min_max import MinMaxScaler
from vectordb.transforms.scaling.normalizer import Normalizer
from vectordb.transforms.scaling.robust import RobustScaler
from vectordb.transforms.scaling.standard import StandardScaler
from vectordb.transforms.scaling.winsorizer import Winsorizer

__all__ = [
    "Binarizer",
    "Clip",
    "Log1p",
    "MaxAbsScaler",
    "MinMaxScaler",
    "Normalizer",
    "RobustScaler",
    "StandardScaler",
    "Winsorizer",
]
