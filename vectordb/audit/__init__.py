"""Audit: why a number is what it is, since when, what it would have been otherwise, and proof for outsiders."""

from vectordb.audit.audit import Audit

__all__ = ["Audit"]
