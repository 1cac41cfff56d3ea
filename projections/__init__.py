"""What it means: folds of the log into views of the state. Imports only ``ledger``."""

from projections.catalog import Catalog, Shelf
from projections.checkpoint import load_checkpoint, write_checkpoint
from projections.contract import Projection
from projections.fold import Fold
from projections.history import row_as_of
from projections.lineage import Lineage
from projections.merge import merge, resolve
from projections.predictions import Predictions
from projections.rows import Rows
from projections.table import Table
from projections.timeline import Timeline

__all__ = [
    "Catalog",
    "Fold",
    "Lineage",
    "Predictions",
    "Projection",
    "Rows",
    "Shelf",
    "Table",
    "Timeline",
    "load_checkpoint",
    "merge",
    "resolve",
    "row_as_of",
    "write_checkpoint",
]
