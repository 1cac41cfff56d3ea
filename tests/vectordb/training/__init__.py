"""Training sets: joined, and recorded."""
