"""Tests of vectordb.observability."""
