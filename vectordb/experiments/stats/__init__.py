"""Statistics of experiments, on the standard library alone: numbers in, immutable results out, nothing of the store.

``samples`` brings every kind of metric to a mean and a variance, which ``effects`` compares; ``tables``, ``fourfold``,
``proportions``, ``ranks`` and ``resampling`` are further tests, ``bayes`` and ``bandit`` the posteriors, ``sequential``
and ``spending`` for many looks, ``srm`` for the split, ``many`` for many metrics, ``power`` for planning. ``special``
and ``distributions`` are the functions beneath.
"""

__all__: list[str] = []
