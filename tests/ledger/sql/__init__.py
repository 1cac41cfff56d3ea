"""Tests of the store over a DB-API connection."""
