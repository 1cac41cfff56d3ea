"""Planning an experiment: the power of a test, the smallest effect it finds, the units it needs.

>>> from vectordb import planning
>>> planning.size_of_proportions(0.10, 0.02).total
7678
>>> round(planning.detectable_mean(1.0, 1_570, 1_570).effect, 3)
0.1
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

__all__ = [
    "Plan",
    "detectable_mean",
    "detectable_proportion",
    "power_of_means",
    "power_of_proportions",
    "size_of_means",
    "size_of_proportions",
]
