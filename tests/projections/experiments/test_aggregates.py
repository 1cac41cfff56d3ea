"""A unit's value kept up outcome by outcome has the bits of one that is computed at once."""

from __future__ import annotations

from fractions import Fraction
from math import copysign, fsum
from random import Random

import pytest

from ledger.facts.experiment_defined import AGGREGATES
from projections.experiments.aggregates import RUNNING, aggregated, total

KINDS = [
    lambda random: round(random.lognormvariate(3, 1), 2),
    lambda random: random.gauss(0, 1) * 10.0 ** random.randrange(-300, 300),
    lambda random: random.choice([1e16, 1.0, -1e16, 1e-16, 0.0, -0.0, 5e-324, 0.1]),
    lambda random: random.choice([1.7e308, -1.7e308, 8.98846567431158e307, 1e292, 3.0]),
    lambda random: float(random.randrange(-3, 4)),
]


@pytest.mark.parametrize("aggregate", AGGREGATES)
@pytest.mark.parametrize("kind", KINDS)
def test_running_values_are_those_at_once(aggregate: str, kind: object) -> None:
    random = Random(7)
    running = RUNNING[aggregate]()
    running.grow(40)
    for unit in range(40):
        held, rows = running.absent, []
        for _ in range(random.randrange(1, 30)):
            rows.append((random.randrange(5), kind(random)))  # type: ignore[operator]
            held = running.add(unit, held, rows[-1][1], rows[-1][0])
            assert (held, copysign(1.0, held)) == (wanted := aggregated(aggregate, rows), copysign(1.0, wanted))


@pytest.mark.parametrize("kind", KINDS)
def test_a_total_is_the_exact_sum_rounded_once(kind: object) -> None:
    random = Random(8)
    for _ in range(300):
        values = [kind(random) for _ in range(random.randrange(1, 12))]  # type: ignore[operator]
        exact = sum(map(Fraction, values), Fraction())  # ints
        try:
            wanted = float(exact)
        except OverflowError:
            wanted = 1.7976931348623157e308 if exact > 0 else -1.7976931348623157e308
        assert total(values) == wanted


def test_a_total_is_fsum_where_there_is_one() -> None:
    assert total([0.1] * 10) == fsum([0.1] * 10) == 1.0
