"""The same bits on every Python: what transformers learn and give on fixed data, by digest.

Those that go through the C library's logarithms or sines are left out: theirs are the same on every Python of one
machine, which the other tests see, and not on every machine.
"""

from __future__ import annotations

import json
from hashlib import sha256
from random import Random
from struct import pack
from typing import Any

import pytest

from vectordb.transforms import (
    Binarizer,
    Clip,
    ColumnTransformer,
    CountEncoder,
    DatetimeFeatures,
    FeatureHasher,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    MissingIndicator,
    Normalizer,
    OfType,
    OneHotEncoder,
    OrdinalEncoder,
    Pipeline,
    PolynomialFeatures,
    QuantileTransformer,
    RobustScaler,
    SimpleImputer,
    SplineTransformer,
    StandardScaler,
    TargetEncoder,
    Transformer,
    Winsorizer,
    dumps,
)

ROWS = 60
MADE: dict[str, Transformer] = {
    "standard": StandardScaler(),
    "min_max": MinMaxScaler((-1, 3)),
    "max_abs": MaxAbsScaler(),
    "robust": RobustScaler(quantile_range=(10.0, 80.0)),
    "normalizer": Normalizer(),
    "binarizer": Binarizer(threshold=0.5),
    "bins": KBinsDiscretizer(4, encode="ordinal", strategy="uniform"),
    "quantile": QuantileTransformer(n_quantiles=11),
    "polynomial": PolynomialFeatures(3),
    "spline": SplineTransformer(),
    "one_hot": OneHotEncoder(handle_unknown="ignore"),
    "ordinal": OrdinalEncoder(),
    "target": TargetEncoder(),
    "count": CountEncoder(),
    "hasher": FeatureHasher(16),
    "imputer": SimpleImputer(strategy="median", add_indicator=True),
    "indicator": MissingIndicator(),
    "clip": Clip(-1.0, 1.0),
    "winsorizer": Winsorizer(),
    "times": DatetimeFeatures(features=["year", "dayofyear", "week", "is_weekend"]),
    "chain": Pipeline([
        ("by_type", ColumnTransformer([
            ("n", Pipeline([("fill", SimpleImputer()), ("scale", StandardScaler())]), OfType("number")),
            ("c", OneHotEncoder(), OfType("category")),
        ])),
        ("cross", PolynomialFeatures(2, interaction_only=True)),
    ]),
}  # fmt: skip
GAPS = {"standard", "min_max", "max_abs", "robust", "quantile", "imputer", "indicator", "clip", "winsorizer"}
CATEGORIES = {"one_hot", "ordinal", "target", "count", "hasher"}


def given(name: str) -> tuple[Any, Any]:
    """Rows for a transformer, and labels."""
    rng = Random(name)
    numbers = [[rng.random() * 6.0 - 3.0, rng.random() * 1e9, float(rng.randrange(5))] for _ in range(ROWS)]
    texts = [[rng.choice(["a", "b", "é", "Ω"]), rng.choice([1, 2, 3])] for _ in range(ROWS)]
    labels = [float(rng.randrange(2)) for _ in range(ROWS)]
    if name in CATEGORIES:
        return texts, labels
    if name == "times":
        return [[1_700_000_000 + 86_400 * rng.random() * 900] for _ in range(ROWS)], labels
    if name in GAPS or name == "chain":
        numbers = [[None if rng.random() < 0.2 else value for value in row] for row in numbers]
    return [[*one, *other] for one, other in zip(numbers, texts)] if name == "chain" else numbers, labels


def digest(name: str) -> str:
    """SHA-256 of the stored form and of the outputs."""
    rows, labels = given(name)
    made = MADE[name].fit(rows, labels)
    outputs = [float(value) for row in made.transform(rows) for value in row]
    words = b"".join(b"nan" if value != value else pack("<d", value) for value in outputs)
    return sha256(json.dumps(json.loads(dumps(made)), sort_keys=True).encode() + words).hexdigest()[:20]


DIGESTS = {
    "standard": "ea22cc2da644bc6f7366",
    "min_max": "066fc8165120928d179c",
    "max_abs": "7523aab4f848c4aaa403",
    "robust": "ffd88a612b4ba3ce038d",
    "normalizer": "e40d51ce02189a63a45e",
    "binarizer": "d1cb300989acc0f2166d",
    "bins": "d8047072c6967678301b",
    "quantile": "4ee7f3b6f31bd0e6a09c",
    "polynomial": "b70be6da48e6338a62c9",
    "spline": "d37bad8d1da469fe0351",
    "one_hot": "c5a0ad1f7e9d196cf40b",
    "ordinal": "d8d18087b175553f4e71",
    "target": "f73cfcb14b385ca16455",
    "count": "195be011ffe9ad5c3976",
    "hasher": "f8dc5327d589d3ecc9fe",
    "imputer": "b1723678cf4b17f75e95",
    "indicator": "d95c1f3641c9871e6b2d",
    "clip": "d15b0df0e2599289c40a",
    "winsorizer": "fa926ec4902ae68a30dd",
    "times": "2b590f555f6d7642c045",
    "chain": "252be742238b9d12aeda",
}


@pytest.mark.parametrize("name", MADE)
def test_the_bits_are_those_of_every_python(name: str) -> None:
    assert digest(name) == DIGESTS[name]
