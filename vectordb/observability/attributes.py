"""Attributes: what a hook is told of a call. Names and counts only: no entity id, no value, no text of an error.

Names of collections are those that are defined: their number is bounded, whatever a failed call asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ledger import VectorDBError
from vectordb.observability.names import AS_OF, BATCH, COLLECTION, ERROR, OFFSET, OPERATION, RETURNED, SYSTEM, SYSTEM_IS
from vectordb.observability.operations import Operation
from vectordb.receipt import Receipt


def attributes_of(
    operation: Operation,
    arguments: tuple[Any, ...],
    options: Mapping[str, Any],
    answer: Any,
    error: BaseException | None,
) -> dict[str, Any]:
    """The attributes of one call that ended; ``arguments`` begin with the object that was asked."""
    attributes: dict[str, Any] = {SYSTEM: SYSTEM_IS, OPERATION: operation.name}
    collection = operation.collection(arguments, options)
    if type(collection) is str and (error is None or _is_defined(operation, arguments[0], collection)):
        attributes[COLLECTION] = collection
    if operation.reader is not None:
        reader = operation.reader(arguments[0])
        if not reader.live:
            attributes[AS_OF] = reader.as_of_offset
    if error is not None:
        attributes[ERROR] = error_type(error)
        return attributes
    if operation.batch is not None:
        size = operation.batch(answer)
        if size != 1:
            attributes[BATCH] = size
    if operation.returned is not None:
        attributes[RETURNED] = operation.returned(answer)
    if type(answer) is Receipt:
        attributes[OFFSET] = answer.offset
    return attributes


def _is_defined(operation: Operation, target: Any, name: str) -> bool:
    """Whether something has this name: what strangers ask for in vain would else grow their number without end."""
    if operation.reader is None:
        return False
    catalog = operation.reader(target).state.catalog
    shelves = catalog.views, catalog.services, catalog.models, catalog.experiments
    return any(shelf.find(name) is not None for shelf in shelves)


def error_type(error: BaseException) -> str:
    """The stable name of an error: its ``code``, else the name of its class.

    >>> error_type(KeyError("x"))
    'KeyError'
    """
    kind = type(error)
    if isinstance(error, VectorDBError):
        return error.code
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
