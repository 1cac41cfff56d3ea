"""Lineage: the graph beside a naive one, and the versions behind a value."""
