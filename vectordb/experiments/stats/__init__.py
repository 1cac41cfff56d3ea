"""Statistics of experiments, on the standard library alone."""

__all__: list[str] = []
