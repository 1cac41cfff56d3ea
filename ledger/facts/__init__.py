"""The vocabulary of facts, one file per noun."""
