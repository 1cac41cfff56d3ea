"""A model input: what MLflow hands to a model, as entities and request inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ledger import InvalidInput, Request
from vectordb.services.service import Service


def read_model_input(service: Service, given: Any) -> tuple[Any, dict[str, Sequence[Any]] | None]:
    """Entities by kind, and request columns, of a data frame, columns, rows that are mappings, or ids alone.

    Every column has to be one of the service's; a data frame is whatever has ``columns`` and gives columns by name.
    """
    columns = _columns(given)
    if columns is None:
        return list(given), None
    kinds = service.entity_kinds
    requests = [item.name for item in service.definition.features if isinstance(item, Request)]
    unknown = sorted(set(columns) - set(kinds) - set(requests))
    missing = [kind for kind in kinds if kind not in columns]
    if unknown or missing:
        known = {"entities": list(kinds), "requests": requests}
        raise InvalidInput("columns are the service's entities and request inputs", unknown=unknown, **known)
    request: dict[str, Sequence[Any]] = {name: columns[name] for name in requests if name in columns}
    return {kind: columns[kind] for kind in kinds}, request or None


def _columns(given: Any) -> dict[str, list[Any]] | None:
    if isinstance(given, Mapping):
        return {str(name): _listed(column) for name, column in given.items()}
    if hasattr(given, "columns") and hasattr(given, "__getitem__"):
        return {str(name): _listed(given[name]) for name in given.columns}
    if isinstance(given, (list, tuple)) and given and all(isinstance(row, Mapping) for row in given):
        names = list(given[0])
        if any(list(row) != names for row in given):
            raise InvalidInput("rows of a model input have the same names", names=names[:20])
        return {str(name): [row[name] for row in given] for name in names}
    if isinstance(given, (str, bytes)) or not hasattr(given, "__iter__"):
        raise InvalidInput("a model input is a data frame, columns, rows or ids", type=type(given).__name__)
    return None


def _listed(column: Any) -> list[Any]:
    """Of arrays and series the plain values."""
    for name in ("tolist", "to_list"):
        if hasattr(column, name):
            return list(getattr(column, name)())
    return list(column)
