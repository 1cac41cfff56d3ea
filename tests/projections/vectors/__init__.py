"""Vectors: distances, the exact scan and the index, judged by plain arithmetic."""
