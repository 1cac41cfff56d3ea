"""What it means: folds of the log into views of the state. Imports only ``ledger``."""

from projections.catalog import Catalog, Shelf
from projections.checkpoint import load_checkpoint, write_checkpoint
from projections.contents import contents
from projections.contract import Projection
from projections.experiments import (
    METRICS_OWN,
    Experiments,
    ExposedUnit,
    FirstExposure,
    Tallies,
    Uncounted,
)
from projections.fold import Fold
from projections.history import row_as_of
from projections.joint_moments import NO_PAIRS, JointMoments, joint_moments
from projections.lineage import Lineage
from projections.merge import merge, resolve
from projections.moments import NOTHING, Moments, moments
from projections.predictions import Predictions
from projections.rows import Rows
from projections.table import Table
from projections.timeline import Timeline
from projections.vectors.build import Progress
from projections.vectors.calibration import Effort, effort_for
from projections.vectors.distances import distance, distance_matrix, distances, similarity
from projections.vectors.field import Field
from projections.vectors.filters import Feature, Filter
from projections.vectors.search import Ask, Found, search_exact, search_index
from projections.vectors.vectors import Vectors
from projections.where import Node, parse_where

__all__ = [
    "Ask",
    "Effort",
    "Feature",
    "Field",
    "Filter",
    "Found",
    "Node",
    "Progress",
    "Vectors",
    "contents",
    "distance",
    "distance_matrix",
    "distances",
    "effort_for",
    "parse_where",
    "search_exact",
    "search_index",
    "similarity",
    "Catalog",
    "ExposedUnit",
    "Experiments",
    "FirstExposure",
    "Fold",
    "JointMoments",
    "Lineage",
    "METRICS_OWN",
    "Moments",
    "NOTHING",
    "NO_PAIRS",
    "Predictions",
    "Projection",
    "Rows",
    "Shelf",
    "Table",
    "Tallies",
    "Timeline",
    "Uncounted",
    "joint_moments",
    "load_checkpoint",
    "merge",
    "moments",
    "resolve",
    "row_as_of",
    "write_checkpoint",
]
