"""Nodes and edges of the lineage graph: how they are called, and which id names which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from ledger import (
    ROW_BITS,
    ROW_MASK,
    Erased,
    InvalidInput,
    PredictionsRecorded,
    Pruned,
    UnknownName,
    VersionId,
    render_version,
)
from vectordb.prediction import Prediction
from vectordb.version import Version, find_row, version_id

if TYPE_CHECKING:
    from vectordb.state import State

DEFINITIONS: Final = ("view", "feature", "service", "pipeline", "training_set", "model", "experiment")
SERVES: Final = "serves"  # the one kind of edge that tells of use: what was recorded together, not what depends on it

Key: TypeAlias = "int | str"  # a row by its reference, or a definition by its id
Named: TypeAlias = "str | Version | Prediction | VersionId | Node"  # what may stand for a node: see ``text_of``


class Node(NamedTuple):
    """One node. ``kind`` is version, prediction, view, feature, service, pipeline, training_set, model or experiment.

    ``offset`` and ``row`` say where it was written; a model that is no data has offset 0. ``status`` is ``present``,
    ``erased`` or ``pruned``: the last two have no entity left to name, their ids read ``erased@offset.row``.
    """

    id: str
    kind: str
    offset: int
    row: int = 0
    status: str = "present"


class Edge(NamedTuple):
    """``target`` depends on ``source``; recorded at ``offset``. Both are ids.

    ``kind`` says how: *derived* (a write declared it), *input* (of a prediction), *made* (by a service, pipeline, model
    or experiment), *fitted* (a pipeline read it), *may be fitted* (known to a fit on moments, which are not stored),
    *joined* (into a training set), *trained*, *defines*, *reads*, *transforms*, *targets*, *adjusts*; *serves* tells
    that a service was used with a model or an experiment.
    """

    source: str
    target: str
    kind: str
    transformation: str | None
    offset: int


class Link(NamedTuple):
    """An edge between keys."""

    source: Key
    target: Key
    kind: str
    transformation: str | None
    offset: int


def text_of(what: Any) -> str:
    """The id of what may stand for a node: its text, a ``Version``, a ``Prediction``, a ``VersionId``, a ``Node``."""
    if isinstance(what, str):
        return what
    if isinstance(what, (Version, Prediction, Node)):
        return what.id
    if isinstance(what, VersionId):
        text = render_version(what.collection, what.entity, what.ref)
        return text if what.row is None else f"{text}.{what.row}"
    rule = "a node of the lineage graph is named by its id, a Version or a Prediction"
    raise InvalidInput(rule, value=what, type=type(what).__name__)


def ref_of(state: State, what: Any, limit: int) -> int:
    """The reference of a version or prediction recorded up to an offset."""
    return find_row(state.log, text_of(what), limit).ref


def node_kind(text: str) -> str | None:
    """The kind of a definition's id; None for any other text."""
    kind, colon, _ = text.partition(":")
    return kind if colon and kind in DEFINITIONS else None


def unknown(text: str, limit: int) -> UnknownName:
    """The refusal of an id that names no definition as of an offset."""
    return UnknownName("no definition of that id is in the lineage graph", id=text, as_of=limit)


def row_node(state: State, ref: int) -> Node:
    """The node of a row: a version, or a prediction."""
    offset, row = ref >> ROW_BITS, ref & ROW_MASK
    kind = "prediction" if state.predictions.has(ref) else "version"
    try:
        state.log.owner(ref)
        return Node(version_id(state.log, ref), kind, offset, row)
    except Erased:
        if isinstance(state.log.event(offset).fact, PredictionsRecorded):
            kind = "prediction"
        return Node(f"erased@{offset}.{row}", kind, offset, row, "erased")
    except Pruned:
        return Node(f"pruned@{offset}.{row}", kind, offset, row, "pruned")
