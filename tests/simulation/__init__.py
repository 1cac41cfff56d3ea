"""Random histories of every operation, each step compared with a model that is plain and slow."""
