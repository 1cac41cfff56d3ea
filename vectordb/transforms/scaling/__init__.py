"""Scalers: a feature moved and stretched, a row brought to length one."""

from vectordb.transforms.scaling.standard import StandardScaler

__all__ = ["StandardScaler"]
