"""Predictions: recorded, pinned, reproduced."""
