"""The ledger alone: what happened, its stored form and its files."""
