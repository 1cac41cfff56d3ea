"""Experiments: exposures and outcomes as tallies that answer as of any offset.

Read in this order: ``exposures`` and ``outcomes`` (what was recorded), ``aggregates`` (many outcomes of a unit, one
value), ``steps`` (values as they changed, with exact running sums), ``course`` and ``pair`` (a metric; a ratio),
``trial`` (all of one experiment), ``tallies``, ``uncounted`` and ``units`` (what is told), ``recount`` (the same from
scratch), ``trial_dump``, and ``experiments``, which puts them together.
"""

from projections.experiments.experiments import METRICS_OWN, Experiments
from projections.experiments.tallies import Tallies
from projections.experiments.uncounted import Uncounted
from projections.experiments.units import ExposedUnit

__all__ = ["METRICS_OWN", "Experiments", "ExposedUnit", "Tallies", "Uncounted"]
