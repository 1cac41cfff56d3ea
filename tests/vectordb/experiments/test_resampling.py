"""The bootstrap: seeded, its intervals those SciPy makes of the same resamples, and its coverage."""

from __future__ import annotations

import json
import statistics
from math import inf, nan
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from vectordb import InvalidInput
from vectordb.experiments.stats.resampling import bootstrap, mean_difference, mean_of, replicates


def scipy_interval(
    arms: list[list[float]], statistic: Any, method: str, alpha: float, drawn: list[float]
) -> tuple[float, float]:
    """The interval that SciPy makes of given resamples."""
    stats, np = pytest.importorskip("scipy.stats"), pytest.importorskip("numpy")
    held = SimpleNamespace(bootstrap_distribution=np.array(drawn))
    found = stats.bootstrap(
        arms, statistic, n_resamples=0, bootstrap_result=held, method=method, confidence_level=1 - alpha
    ).confidence_interval
    return float(found.low), float(found.high)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("method", ["BCa", "percentile"])
@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_intervals_against_scipy(seed: int, method: str, alpha: float) -> None:
    np = pytest.importorskip("numpy")
    rng = Random(seed)
    a = [rng.expovariate(1) for _ in range(rng.randrange(5, 40))]
    b = [rng.expovariate(2) for _ in range(rng.randrange(5, 40))]

    def judged(x: Any, y: Any = None, axis: int = -1) -> Any:
        return np.mean(x, axis=axis) if y is None else np.mean(y, axis=axis) - np.mean(x, axis=axis)

    for statistic, arms in ((mean_of, [a]), (mean_difference, [a, b])):
        found = bootstrap(statistic, *arms, seed=seed, alpha=alpha, method=method, resamples=400)
        drawn = replicates(statistic, arms, seed, 400)
        right = scipy_interval(arms, judged, method, alpha, drawn)
        assert (found.low, found.high) == pytest.approx(right, rel=1e-9)
        assert found.standard_error == pytest.approx(statistics.stdev(drawn), rel=1e-10)
        assert found.bias == pytest.approx(statistics.fmean(drawn) - statistic(*arms), abs=1e-12)


def test_one_seed_gives_one_answer() -> None:
    values = [1.0, 4.0, 9.0, 16.0, 25.0]
    one = bootstrap(statistics.median, values, seed=3, resamples=200)
    assert one == bootstrap(statistics.median, iter(values), seed=3, resamples=200)
    assert one != bootstrap(statistics.median, values, seed=4, resamples=200)


def test_the_resamples_of_a_seed_are_fixed() -> None:
    rng = Random(1)
    right = [mean_of([float(int(rng.random() * 4)) for _ in range(4)]) for _ in range(20)]
    assert replicates(mean_of, [[0.0, 1.0, 2.0, 3.0]], 1, 20) == right


def test_intervals_cover() -> None:
    rng, inside, rounds = Random(5), 0, 250
    for _ in range(rounds):
        values = [rng.gauss(2, 1) for _ in range(30)]
        found = bootstrap(mean_of, values, seed=rng.randrange(10**6), alpha=0.1, resamples=300)
        inside += found.low <= 2 <= found.high  # type: ignore[operator]
    assert 0.83 < inside / rounds < 0.95


def test_values_without_spread() -> None:
    found = bootstrap(mean_of, [2.0] * 5, seed=1, resamples=50)
    assert found.low is None and found.undefined and found.standard_error == 0.0
    plain = bootstrap(mean_of, [2.0] * 5, seed=1, resamples=50, method="percentile")
    assert (plain.low, plain.high, plain.undefined) == (2.0, 2.0, None)
    highest = bootstrap(max, [1.0, 2.0, 3.0], seed=1, resamples=50)
    assert highest.estimate == 3.0
    below = bootstrap(lambda values: -len(set(values)), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], seed=1, resamples=20)
    assert below.low is None and "bias correction" in (below.undefined or "")


def test_plain_data() -> None:
    plain = bootstrap(mean_difference, [1.0, 2.0, 5.0], [3, 4, 8], seed=1, resamples=50).to_dict()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert plain["method"] == "bootstrap, BCa" and plain["seed"] == 1 and plain["assumptions"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"alpha": 0.0},
        {"alpha": nan},
        {"method": "basic"},
        {"resamples": 1},
        {"seed": -1},
        {"seed": 1.5},
    ],
)
def test_arguments(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        bootstrap(mean_of, [1.0, 2.0], **{"seed": 1, "resamples": 10, **wrong})


@pytest.mark.parametrize("arms", [[], [[1.0]], [[1.0, nan]], [[1.0, inf]], [[1.0, 2.0]] * 3])
def test_arms(arms: list[list[float]]) -> None:
    with pytest.raises(InvalidInput):
        bootstrap(lambda *held: 1.0, *arms, seed=1, resamples=10)


def test_a_statistic_is_finite() -> None:
    with pytest.raises(InvalidInput, match="finite"):
        bootstrap(lambda values: nan, [1.0, 2.0], seed=1, resamples=10)
