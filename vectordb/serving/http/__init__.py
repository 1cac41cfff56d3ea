"""HTTP: what a request says and what a response is, the same for every path and under both protocols."""

__all__: list[str] = []
