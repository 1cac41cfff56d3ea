"""Bytes of strangers: bombs, lies and mutations, refused by name and within bounds."""
