"""The normal distribution as a posterior."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from vectordb.experiments.stats.special import normal_cdf, normal_pdf


@dataclass(frozen=True)
class Normal:
    """A mean and a standard deviation."""

    mean: float
    sd: float

    @property
    def edges(self) -> list[float]:
        """Panels of 1.5 deviations, 10 deviations and more to each side."""
        return [self.mean + 1.5 * self.sd * k for k in range(-7, 8)]

    def density(self, at: float) -> float:
        """The density."""
        return normal_pdf((at - self.mean) / self.sd) / self.sd

    def cdf(self, at: float) -> float:
        """The probability below."""
        return normal_cdf((at - self.mean) / self.sd)

    def draw(self, rng: Random) -> float:
        """One random draw."""
        return rng.gauss(self.mean, self.sd)
