"""Tests of vectordb.exporting."""
