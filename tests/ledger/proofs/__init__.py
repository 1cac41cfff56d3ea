"""Proofs, and the file that checks them alone."""
