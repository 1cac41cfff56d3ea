"""Checks: the rules that parameters of several transformers keep."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from sys import float_info
from typing import Any

from ledger import InvalidInput


def is_whole(value: Any) -> bool:
    """Whether a value is a whole number; a bool is none."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Whether a parameter is a finite number."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    number: Any = value
    return bool(-float_info.max <= number <= float_info.max)


def check_whole(name: str, value: Any, least: int) -> None:
    """Refuse what is no whole number from ``least`` on."""
    if not is_whole(value) or value < least:
        raise InvalidInput(f"{name} is a whole number from {least} on", **{name: value})


def check_choice(name: str, value: Any, known: Sequence[str]) -> None:
    """Refuse what is none of some words."""
    if not isinstance(value, str) or value not in known:
        raise InvalidInput(f"{name} is one of {', '.join(known)}", **{name: value})


def check_flags(**flags: Any) -> None:
    """Refuse parameters that are not True or False."""
    for name, value in flags.items():
        if not isinstance(value, bool) and type(value).__name__ not in ("bool", "bool_"):  # NumPy's too
            raise InvalidInput(f"{name} is True or False", **{name: value})


def check_quantile_range(given: Any) -> None:
    """Refuse what is not two percentages in order."""
    pair = isinstance(given, tuple) and len(given) == 2 and all(map(is_number, given))
    if not pair or not 0 <= given[0] <= given[1] <= 100:
        raise InvalidInput("Invalid quantile range: two numbers in order, from 0 to 100", quantile_range=given)


def check_draw(subsample: Any, random_state: Any) -> None:
    """Refuse parameters of ``draws`` that break a rule."""
    if subsample is not None:
        check_whole("subsample", subsample, 1)
    if random_state is not None and not is_whole(random_state):
        rule = "random_state is a whole number or None (a generator's state is no part of a definition)"
        raise InvalidInput(rule, random_state=random_state)
