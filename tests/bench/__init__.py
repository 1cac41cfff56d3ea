"""Benchmarks against what a user would pick: ``python -m tests.bench``, or one of them by its module."""
