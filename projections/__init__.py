"""What it means: folds of the log into views of the state. Imports only ``ledger``."""

from projections.catalog import Catalog, Shelf
from projections.checkpoint import load_checkpoint, write_checkpoint
from projections.contract import Projection
from projections.current import CurrentRows, Table
from projections.fold import Fold
from projections.history import History
from projections.lineage import Lineage
from projections.merge import merge, resolve
from projections.predictions import Predictions
from projections.timeline import Timeline

__all__ = [
    "Catalog",
    "CurrentRows",
    "Fold",
    "History",
    "Lineage",
    "Predictions",
    "Projection",
    "Shelf",
    "Table",
    "Timeline",
    "load_checkpoint",
    "merge",
    "resolve",
    "write_checkpoint",
]
