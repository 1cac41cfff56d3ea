"""The category pool: every category of a log once, named in rows by a small code."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import repeat
from threading import Lock
from typing import Any, Final
from weakref import WeakSet

from ledger.locks import free_in_children


class _Forgotten(str):
    """What stands where a category was forgotten: no text that anybody wrote is this one."""


BLANK: Final = _Forgotten()


class Pool(dict[str | int, int]):
    """Category -> code, given in order of first use; ``values_by_code[code]`` is the way back.

    A ``dict`` whose ``__missing__`` adds: a known category costs one C lookup. Codes never reach an
    event, a digest or an answer, so forks share one pool with their parent. A category of a write that was then refused
    stays in it; only ``blank`` takes one out.

    >>> pool = Pool(); pool["Rome"], pool["Oslo"], pool["Rome"], pool.values_by_code
    (0, 1, 0, ['Rome', 'Oslo'])
    """

    def __init__(self) -> None:
        super().__init__()
        self.values_by_code: list[str | int] = []
        self._lock = free_in_children(Lock())
        self.logs: WeakSet[Any] = WeakSet()  # that name categories by these codes: a log and its forks
        self.holders: WeakSet[Any] = WeakSet()  # that have encoded what is not written yet: open transactions
        self.refused: set[int] = set()  # codes that a batch gave whose rows were refused, some of them
        self.pending: set[int] = set()  # codes whose rows were erased while a fork or a holder was there

    def __missing__(self, category: str | int) -> int:
        with self._lock:
            code = self.get(category)
            if code is None:
                code = len(self.values_by_code)
                self.values_by_code.append(category)
                self[category] = code
            return code

    def known(self, categories: Iterable[str | int]) -> list[int] | None:
        """The codes of categories; None where one of them is not in the pool."""
        codes = list(map(self.get, categories, repeat(-1)))
        return None if -1 in codes else codes

    def blank(self, codes: Iterable[int]) -> bool:
        """Forget categories that no row names any more; their codes are not given again. False: there are holders."""
        with self._lock:
            known = {code: value for code in codes if self.get(value := self.values_by_code[code]) == code}
            for value in known.values():
                del self[value]  # first: who encodes it from now on gets another code
            if len(self.holders):
                self.update({value: code for code, value in known.items()})
                return False
            for code in known:
                self.values_by_code[code] = BLANK
        return True

    def check(self) -> None:
        """Every code leads back to its category."""
        named = [(code, value) for code, value in enumerate(self.values_by_code) if self.get(value) == code]
        assert len(self) == len(named)
        assert all(value == BLANK for code, value in enumerate(self.values_by_code) if self.get(value) != code)
