"""Transformers, judged by scikit-learn and by their own plain formulas."""
