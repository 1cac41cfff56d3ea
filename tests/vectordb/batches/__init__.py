"""Batches against single reads: what they give, hold and share."""
