"""A hook that keeps what it is told, and the classes as they were before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pytest

from vectordb.observability.operations import OPERATIONS
from vectordb.observability.switch import is_on


class Call(NamedTuple):
    operation: str
    attributes: Mapping[str, Any]
    duration: float
    error: BaseException | None


class Told(list[Call]):
    """A hook: the calls that it was told of."""

    def __call__(self, *call: Any) -> None:
        self.append(Call(*call))

    @property
    def names(self) -> list[str]:
        return [call.operation for call in self]


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture(autouse=True)
def plain_again() -> Iterator[None]:
    """Every test leaves the classes as it found them."""
    before = [vars(one.owner)[one.method] for one in OPERATIONS]
    assert not is_on()
    yield
    assert not is_on()
    assert all(vars(one.owner)[one.method] is plain for one, plain in zip(OPERATIONS, before))
