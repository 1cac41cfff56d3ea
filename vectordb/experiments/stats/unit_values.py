"""The values of the units of an arm, where a method needs more than their moments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite

from ledger import InvalidInput
from vectordb.experiments.stats.inputs import check_number


def unit_values(name: str, values: Iterable[float], least: int = 0) -> Sequence[float]:
    """Finite numbers, at least so many.

    >>> unit_values("a", [1, 2.5])
    [1, 2.5]
    """
    held = list(values)
    if not set(map(type, held)) <= {int, float} or not all(map(isfinite, held)):
        held = [check_number(name, value) for value in held]
    if len(held) < least:
        raise InvalidInput(f"{name} has at least {least} units", units=len(held))
    return held
