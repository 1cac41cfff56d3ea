"""Tests of the tallies of experiments."""
