"""Values: the feature types that a workload writes, and random values of each."""

from __future__ import annotations

from random import Random
from typing import Any

from vectordb import Bool, Category, Float, Int, Text, Timestamp, Vector

TYPES = {
    "trips": lambda default: Int(default=default),
    "rating": lambda default: Float(default=default),
    "active": lambda default: Bool(default=default),
    "city": lambda default: Category(default=default),
    "bio": lambda default: Text(default=default),
    "seen": lambda default: Timestamp(default=default),
    "rate": lambda default: Float(default=default),
    "tier": lambda default: Category(default=default),
    "profile": lambda default: Vector(3, metric="euclidean", default=default),
}


def value(rnd: Random, name: str) -> Any:
    """A random value of a feature, odd ones often."""
    if name == "trips":
        return rnd.choice([0, 1, -5, 2**53, -(2**53), rnd.randrange(100)])
    if name == "rating":
        return rnd.choice([0.0, -0.0, 5e-324, -1.7e308, rnd.random()])
    if name == "active":
        return rnd.random() < 0.5
    if name == "city":
        return rnd.choice(["Rome", "Oslo", "東京", 1, "1", ""])
    if name == "bio":
        return rnd.choice(["", "plain", "naïve", '\u0000\n"', "x" * rnd.randrange(40)])
    if name == "seen":
        return rnd.randrange(1_600_000_000, 1_800_000_000)
    if name == "rate":
        return rnd.choice([0.0, 0.5, 4.0, -2.25, 100.0, rnd.random()])
    if name == "tier":
        return rnd.choice(["gold", "silver", "iron"])
    return [rnd.choice([0.0, 1.5, -2.25]) for _ in range(3)]
