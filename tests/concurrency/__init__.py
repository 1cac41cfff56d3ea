"""Concurrent use: every answer is that of one offset between the beginning and the end of its call."""
