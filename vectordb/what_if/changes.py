"""Changes: what a what-if does otherwise than the history did, and what it asks of the run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from vectordb.database import VectorDB

Write = Callable[["VectorDB"], Any]
KEPT: Final = "kept"
AGAIN: Final = "again"


class Added(NamedTuple):
    """Writes of the caller's own, made right after an offset of the parent, at its recorded time."""

    after: int
    write: Write


class FitOn(NamedTuple):
    """The moments that a service's pipeline is fitted on again: a log keeps only their digest."""

    spine: Any
    target: str | None = None


class Changes(NamedTuple):
    """``edits`` are new values by offset and row of the parent.

    ``swaps`` are stored forms of pipelines, ``fits`` moments to fit on, both by service.
    """

    dropped: frozenset[int] = frozenset()
    edits: Mapping[int, Mapping[int, Mapping[str, Any]]] = {}
    added: tuple[Added, ...] = ()
    swaps: Mapping[str, dict[str, Any] | None] = {}
    fits: Mapping[str, FitOn] = {}


class Asked(NamedTuple):
    """How a what-if is run: models by label or name, and whether units are assigned again."""

    models: Mapping[str, Callable[[Any], Any]] = {}
    assignments: str = KEPT
