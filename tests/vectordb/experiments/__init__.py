"""Experiments: assignment by plain formulas, statistics by SciPy, statsmodels and mpmath."""
