"""Named functions of a value."""

from vectordb.transforms.functions.function_transformer import FunctionTransformer

__all__ = ["FunctionTransformer"]
