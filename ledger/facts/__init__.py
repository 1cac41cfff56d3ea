"""The vocabulary of facts, one file per noun; ``vocabulary`` lists them."""

from ledger.facts.vocabulary import FACTS, READERS

__all__ = ["FACTS", "READERS"]
