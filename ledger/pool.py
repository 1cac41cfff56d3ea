"""The category pool: every category of a log once, named in rows by a small code."""

from __future__ import annotations

from threading import Lock


class Pool(dict[str | int, int]):
    """Category -> code, given in order of first use; ``values_by_code[code]`` is the way back.

    A ``dict`` whose ``__missing__`` adds: a known category costs one C lookup. Codes never reach an
    event, a digest or an answer, so forks share one pool with their parent. It only grows: a category of a
    write that was then refused stays in it.

    >>> pool = Pool(); pool["Rome"], pool["Oslo"], pool["Rome"], pool.values_by_code
    (0, 1, 0, ['Rome', 'Oslo'])
    """

    def __init__(self) -> None:
        super().__init__()
        self.values_by_code: list[str | int] = []
        self._lock = Lock()

    def __missing__(self, category: str | int) -> int:
        with self._lock:
            code = self.get(category)
            if code is None:
                code = len(self.values_by_code)
                self.values_by_code.append(category)
                self[category] = code
            return code

    def check(self) -> None:
        """Every code leads back to its category."""
        assert len(self) == len(self.values_by_code)
        assert all(self[value] == code for code, value in enumerate(self.values_by_code))
