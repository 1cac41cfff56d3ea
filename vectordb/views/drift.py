"""Drift: how the features of a view differ between two readings."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from math import inf, nextafter
from typing import Any, Final, NamedTuple

from ledger import InvalidInput, UnknownName, from_micros
from vectordb.batches.packing import NUMBERS
from vectordb.plain_fields import plain_fields
from vectordb.views.divergence import floored, js_divergence, kl_divergence, ks_p_value, ks_statistic, psi, wasserstein
from vectordb.views.plan import check_names
from vectordb.views.quantiles import quantiles
from vectordb.views.sample import FeatureSample, ViewSample
from vectordb.views.statistics import ByFeature, category_order

FLOOR: Final = 1e-4
MAX_BINS: Final = 1_000


class Shares(NamedTuple):
    """Of the entities of a reading, the share in each status; zeros where there are no entities."""

    present: float
    null: float
    missing: float
    expired: float


@dataclass(frozen=True)
class FeatureDrift:
    """One feature in two readings: the share of entities in each status ``then`` and ``now``.

    The subclass of a number or category adds how far its present values moved; there all distances are None where
    either reading has no present value. Of other types only the shares are compared.
    """

    feature: str
    type: str
    then: Shares
    now: Shares

    def to_dict(self) -> dict[str, Any]:
        """Plain data: names, numbers, lists."""
        return plain_fields(self)


@dataclass(frozen=True)
class BinnedDrift(FeatureDrift):
    """Divergences in nats: ``psi``, ``kl`` (now from then), ``js`` (from 0 to ln 2).

    PSI and KL take probabilities of at least ``floor``, brought back to a sum of one; JS takes them as they are.
    """

    psi: float | None = None
    kl: float | None = None
    js: float | None = None
    floor: float = FLOOR


@dataclass(frozen=True)
class NumberDrift(BinnedDrift):
    """An Int, Float or Bool: divergences over bins, Kolmogorov-Smirnov, Wasserstein-1 in the feature's unit.

    A bin ends with its edge, included; before the first and after the last edge the bins are open. ``edges`` are the
    quantiles of ``then``; one that several quantiles share is a bin of its own, so a constant that moves is seen
    whichever way it goes. ``bins_then`` and ``bins_now`` count the values of each bin.
    """

    ks: float | None = None
    ks_p_value: float | None = None
    wasserstein: float | None = None
    edges: tuple[float, ...] = ()
    bins_then: tuple[int, ...] = ()
    bins_now: tuple[int, ...] = ()


@dataclass(frozen=True)
class CategoryDrift(BinnedDrift):
    """A Category: divergences over the categories of both readings, and those that came and went."""

    new: tuple[str | int, ...] = ()
    gone: tuple[str | int, ...] = ()


@dataclass(frozen=True)
class ViewDrift(ByFeature[FeatureDrift]):
    """A mapping of features to their drift from one reading (``since``) to another.

    ``added`` and ``removed`` are features that only the later or earlier definition has; ``retyped`` those whose
    types cannot be compared, as between two forks.
    """

    since_label: str
    since: int
    since_at: datetime
    since_entities: int
    label: str
    as_of: int
    at: datetime
    entities: int
    features: Mapping[str, FeatureDrift] = field(default_factory=dict)
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    retyped: tuple[str, ...] = ()

    def __str__(self) -> str:
        from vectordb.views.statistics_text import drift_text

        return drift_text(self)


def drift_of(then: ViewSample, now: ViewSample, features: Iterable[str] | None = None, bins: int = 10) -> ViewDrift:
    """The drift of some features (None: all) between two samples.

    Raises ``UnknownName`` for a feature that neither has. 1 us a value of either.
    """
    if type(bins) is not int or not 2 <= bins <= MAX_BINS:
        raise InvalidInput(f"bins is an int from 2 to {MAX_BINS}", bins=bins)
    old, new = then.plan.slots, now.plan.slots
    names = _names(then, now, features)
    both = [name for name in names if name in old and name in new]
    same = [name for name in both if _family(old[name].kind.name) == _family(new[name].kind.name)]
    return ViewDrift(
        *(then.plan.label, then.as_of, from_micros(then.at_micros), len(then)),
        *(now.plan.label, now.as_of, from_micros(now.at_micros), len(now)),
        features={name: _feature(name, then.feature(name), now.feature(name), bins) for name in same},
        added=tuple(name for name in names if name not in old),
        removed=tuple(name for name in names if name not in new),
        retyped=tuple(name for name in both if name not in same),
    )


def _names(then: ViewSample, now: ViewSample, features: Iterable[str] | None) -> tuple[str, ...]:
    known = dict.fromkeys((*now.plan.names, *then.plan.names))
    if features is None:
        return tuple(known)
    asked = check_names(features)
    for name in asked:
        if name not in known:
            rule = "the view has the feature in one of the two readings"
            raise UnknownName(rule, view=now.plan.label, feature=name, known=list(known)[:20])
    return asked


def _family(kind: str) -> str:
    return "number" if kind in NUMBERS else kind


def _feature(name: str, then: FeatureSample, now: FeatureSample, bins: int) -> FeatureDrift:
    base = (name, now.kind.name, _shares(then), _shares(now))
    if now.kind.name in NUMBERS:
        return NumberDrift(*base, **_numbers(then.values, now.values, bins))
    if now.kind.name == "category":
        return CategoryDrift(*base, **_categories(then.values, now.values))
    return FeatureDrift(*base)


def _shares(held: FeatureSample) -> Shares:
    counts = (held.present, held.null, held.missing, held.expired)
    total = sum(counts) or 1  # ints
    return Shares(*(count / total for count in counts))


def _numbers(then: Sequence[float], now: Sequence[float], bins: int) -> dict[str, Any]:
    if not then or not now:
        return {}
    then, now = sorted(then), sorted(now)
    edges = bin_edges(then, bins)
    held = _binned(then, edges), _binned(now, edges)
    ks = ks_statistic(then, now)
    return {
        **_divergences(*held),
        "ks": ks,
        "ks_p_value": ks_p_value(ks, len(then), len(now)),
        "wasserstein": wasserstein(then, now),
        "edges": edges,
        "bins_then": held[0],
        "bins_now": held[1],
    }


def bin_edges(ordered: Sequence[float], bins: int) -> tuple[float, ...]:
    """The inner edges of ``bins`` equally filled bins of sorted numbers, each edge the end of its bin.

    An edge that several quantiles share has the next smaller float before it: a bin for that number alone.

    >>> bin_edges([1, 2, 3, 4, 5], 4)
    (2.0, 3.0, 4.0)
    """
    counts = Counter(quantiles(ordered, [place / bins for place in range(1, bins)]))
    lone = [nextafter(edge, -inf) for edge, count in counts.items() if count > 1]
    return tuple(sorted({*counts, *lone} - {-inf}))


def _binned(ordered: Sequence[float], edges: Sequence[float]) -> tuple[int, ...]:
    ends = [0, *(bisect_right(ordered, edge) for edge in edges), len(ordered)]
    return tuple(end - start for start, end in pairwise(ends))


def _categories(then: Sequence[str | int], now: Sequence[str | int]) -> dict[str, Any]:
    before, after = Counter(then), Counter(now)
    known = sorted(before.keys() | after.keys(), key=category_order)
    came = tuple(category for category in known if category not in before)
    went = tuple(category for category in known if category not in after)
    if not then or not now:
        return {"new": came, "gone": went}
    held = [before[category] for category in known], [after[category] for category in known]
    return {**_divergences(*held), "new": came, "gone": went}


def _divergences(then: Sequence[int], now: Sequence[int]) -> dict[str, float]:
    p, q = floored(then, FLOOR), floored(now, FLOOR)
    js = js_divergence(floored(then, 0.0), floored(now, 0.0))
    return {"psi": psi(p, q), "kl": max(0.0, kl_divergence(q, p)), "js": js}
