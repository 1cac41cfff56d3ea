"""Planning an experiment: the power of a test, the smallest effect it finds, the units it needs, when to stop early.

>>> from vectordb import planning
>>> planning.size_of_proportions(0.10, 0.02).total
7678
>>> round(planning.detectable_mean(1.0, 1_570, 1_570).effect, 3)
0.1
>>> [round(z, 3) for z in planning.boundaries([0.25, 0.5, 0.75, 1.0]).z]
[2.955, 2.559, 2.301, 2.092]
"""

from vectordb.experiments.stats.power import (
    Plan,
    detectable_mean,
    detectable_proportion,
    power_of_means,
    power_of_proportions,
    size_of_means,
    size_of_proportions,
)
from vectordb.experiments.stats.spending import Boundaries, boundaries

__all__ = [
    "Boundaries",
    "Plan",
    "boundaries",
    "detectable_mean",
    "detectable_proportion",
    "power_of_means",
    "power_of_proportions",
    "size_of_means",
    "size_of_proportions",
]
