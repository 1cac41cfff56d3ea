"""Erasing and compacting: what goes, what stays, and what is said of it."""
