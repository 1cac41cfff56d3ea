"""Outputs: what a service or a predictor answers, as tensors of the Open Inference Protocol v2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from ledger import FeatureType, Vector
from vectordb.batches.matrix import FeatureMatrix
from vectordb.serving.served import Served
from vectordb.serving.strict_json import dump_json, rfc_3339
from vectordb.serving.tensors import Tensor

DATATYPES: Final = {"int": "INT64", "float": "FP64", "bool": "BOOL", "category": "BYTES", "text": "BYTES",
                    "timestamp": "BYTES"}  # fmt: skip
ELEMENTS: Final = {"float64": "FP64", "float32": "FP32", "float16": "FP32", "int8": "INT8", "uint8": "UINT8",
                   "binary": "UINT8"}  # fmt: skip


def datatype_of(kind: FeatureType) -> str:
    """The datatype of a feature; a null makes FP64 of a whole number or a bool, and BYTES of whole categories."""
    return ELEMENTS[kind.dtype] if isinstance(kind, Vector) else DATATYPES[kind.name]


def tail_of(kind: FeatureType) -> list[int]:
    """The dimensions behind the batch's."""
    return [kind.dim] if isinstance(kind, Vector) else []


def tensors_of(matrix: FeatureMatrix, kinds: dict[str, FeatureType]) -> list[Tensor]:
    """A tensor for each column; null where a value is none."""
    return [column_tensor(name, matrix.column(name), kinds.get(name)) for name in matrix.names]


def column_tensor(name: str, values: Sequence[Any], kind: FeatureType | None) -> Tensor:
    """The tensor of one column: of a feature, or (None) of what a pipeline made."""
    rows = len(values)
    if isinstance(kind, Vector):
        blank = [None] * kind.dim
        flat = [one for value in values for one in (blank if value is None else value.tolist())]
        return Tensor(name, datatype_of(kind), (rows, kind.dim), flat)
    if kind is None:
        return Tensor(name, "FP64", (rows,), [value if value == value else None for value in values])
    if kind.name == "timestamp":
        return Tensor(name, "BYTES", (rows,), [None if value is None else rfc_3339(value) for value in values])
    if kind.name in ("category", "text"):
        return Tensor(name, "BYTES", (rows,), [value if value is None else str(value) for value in values])
    if None in values and kind.name != "float":
        return Tensor(name, "FP64", (rows,), [value if value is None else float(value) for value in values])
    return Tensor(name, datatype_of(kind), (rows,), list(values))


def served_tensors(served: Sequence[Served]) -> list[Tensor]:
    """``output`` of a predictor; ``arm`` where there is an experiment, ``prediction`` where it was recorded."""
    found = [output_tensor([one.output for one in served])]
    if any(one.assignment is not None for one in served):
        found.append(Tensor("arm", "BYTES", (len(served),), [one.arm or "" for one in served]))
    if any(one.prediction is not None for one in served):
        found.append(Tensor("prediction", "BYTES", (len(served),), [one.prediction or "" for one in served]))
    return found


def output_tensor(outputs: Sequence[Any]) -> Tensor:
    """Outputs as one tensor: numbers, or equally long lists of them; what else there is as text, JSON's for objects."""
    plain = [one.tolist() if hasattr(one, "tolist") else one for one in outputs]
    rows, widths = len(plain), {len(one) if isinstance(one, (list, tuple)) else -1 for one in plain}
    width = widths.pop() if len(widths) == 1 else 0
    flat = [part for one in plain for part in one] if width > 0 else plain
    shape = (rows, width) if width > 0 else (rows,)
    if width and all(type(one) is bool for one in flat):
        return Tensor("output", "BOOL", shape, flat)
    if width and all(type(one) is int and one.bit_length() < 64 for one in flat):
        return Tensor("output", "INT64", shape, flat)
    if width and all(type(one) is float or (type(one) is int and one.bit_length() < 1024) for one in flat):
        return Tensor("output", "FP64", shape, [float(one) for one in flat])
    return Tensor("output", "BYTES", (rows,), [_text(one) for one in plain])


def _text(output: Any) -> str:
    return output if isinstance(output, str) else dump_json(output).decode()
