"""Tests of the folds."""
