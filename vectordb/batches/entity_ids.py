"""The entity ids that a call for many takes."""

from __future__ import annotations

from typing import Any, Final

from ledger import Entity, InvalidEntity, check_entity
from vectordb.interop import given_list

SIMPLE: Final = frozenset({str, int})


def check_ids(entities: Any, call: str = "get_many") -> list[Entity]:
    """Entity ids as a list. 15 ns each for plain str and int: what is no id cannot be found, and is refused then."""
    ids = list(entities) if type(entities) is list else _listed(entities, call)
    return ids if SIMPLE.issuperset(map(type, ids)) else [check_entity(entity) for entity in ids]


def _listed(entities: Any, call: str) -> list[Any]:
    """The items of any other sequence or iterable; of a column of NumPy, pandas or Arrow as Python's own values."""
    named = hasattr(entities, "keys") or hasattr(entities, "columns")
    is_flat = hasattr(entities, "__iter__") and getattr(entities, "ndim", 1) == 1
    is_column = is_flat and (not named or hasattr(entities, "tolist"))  # a pandas Series has keys too
    if isinstance(entities, (str, bytes)) or not is_column:
        rule = f"{call} takes a sequence of entity ids: not one id, a mapping or a table"
        raise InvalidEntity(rule, type=type(entities).__name__)
    return given_list(entities)
