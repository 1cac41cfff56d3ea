"""What it means: folds of the log into views of the state. Imports only ``ledger``.

Read in this order: ``contract`` and ``fold`` (the one replay loop), ``catalog`` (definitions), ``merge``, ``timeline``,
``table``, ``history`` and ``rows`` (current rows and every version), ``lineage``, ``predictions`` and ``uses``,
``moments`` and ``joint_moments`` (exact sums), ``experiments`` (tallies), ``where`` and ``where_tree`` (filters),
``vectors`` (search), ``blobs``, ``table_dump`` and ``checkpoint`` (a start without a replay), ``contents`` (two folds
compared).
"""

from projections.catalog import Catalog, Shelf
from projections.checkpoint import load_checkpoint, write_checkpoint
from projections.contents import contents
from projections.contract import Gone, Projection
from projections.experiments import (
    METRICS_OWN,
    Experiments,
    ExposedUnit,
    Tallies,
    Uncounted,
)
from projections.fold import Fold
from projections.joint_moments import NO_PAIRS, JointMoments, joint_moments
from projections.lineage import Lineage
from projections.merge import resolve
from projections.moments import NOTHING, Moments, moments
from projections.predictions import Predictions
from projections.rows import Rows
from projections.table import Table
from projections.timeline import Timeline
from projections.uses import Uses, made_by
from projections.vectors.build import Progress
from projections.vectors.calibration import Effort, effort_for
from projections.vectors.distances import distance, distance_matrix, distances, similarity
from projections.vectors.field import Field
from projections.vectors.filters import Feature, Filter
from projections.vectors.search import Ask, Found, search_exact, search_index
from projections.vectors.vectors import Vectors
from projections.where import parse_where
from projections.where_tree import Node

__all__ = [
    "METRICS_OWN",
    "NOTHING",
    "NO_PAIRS",
    "Ask",
    "Catalog",
    "Effort",
    "Experiments",
    "ExposedUnit",
    "Feature",
    "Field",
    "Filter",
    "Fold",
    "Found",
    "Gone",
    "JointMoments",
    "Lineage",
    "Moments",
    "Node",
    "Predictions",
    "Progress",
    "Projection",
    "Rows",
    "Shelf",
    "Table",
    "Tallies",
    "Timeline",
    "Uncounted",
    "Uses",
    "Vectors",
    "contents",
    "distance",
    "distance_matrix",
    "distances",
    "effort_for",
    "joint_moments",
    "load_checkpoint",
    "made_by",
    "moments",
    "parse_where",
    "resolve",
    "search_exact",
    "search_index",
    "similarity",
    "write_checkpoint",
]
