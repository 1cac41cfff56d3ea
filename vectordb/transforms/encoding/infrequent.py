"""Infrequent categories: those below a frequency, or beyond a number of categories, are one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any, ClassVar, Final

from ledger import InvalidInput
from vectordb.transforms.encoding.categorical import Categorical
from vectordb.transforms.encoding.categories import CATEGORIES, is_nan
from vectordb.transforms.encoding.tally import COUNTS
from vectordb.transforms.shapes import INTS, Shape, each, optional, refuse

INFREQUENT: Final = "infrequent_sklearn"  # scikit-learn's word, in names of outputs and inverses


class Grouping(Categorical):
    """An encoder in which infrequent categories of a feature share one place, after the frequent ones."""

    _state: ClassVar[Mapping[str, Shape]] = {
        "sums_": each(COUNTS),
        "categories_": each(CATEGORIES),
        "infrequent_places_": each(optional(INTS)),
    }
    _nan_apart: ClassVar[bool] = False  # NaN is never infrequent
    min_frequency: Any
    max_categories: Any
    infrequent_places_: tuple[tuple[int, ...] | None, ...]

    def _check_frequencies(self) -> None:
        limit, least = self.max_categories, self.min_frequency
        if limit is not None and not (isinstance(limit, Integral) and int(limit) >= 1):
            raise InvalidInput("max_categories is a whole number from 1, or None", max_categories=limit)
        whole = isinstance(least, Integral) and int(least) >= 1
        share = isinstance(least, Real) and not isinstance(least, Integral) and 0 < float(least) < 1
        if least is not None and not whole and not share:
            rule = "min_frequency is a whole number from 1, a share between 0 and 1, or None"
            raise InvalidInput(rule, min_frequency=least)

    @property
    def infrequent_categories_(self) -> list[tuple[Any, ...] | None]:
        """The infrequent categories of each feature, None where there are none."""
        self._check_fitted()
        return [
            None if places is None else tuple(categories[place] for place in places)
            for categories, places in zip(self.categories_, self.infrequent_places_)
        ]

    def _groupable(self, categories: Sequence[Any]) -> Sequence[Any]:
        return categories[:-1] if self._nan_apart and categories and is_nan(categories[-1]) else categories

    def _learnt(self) -> None:
        found = []
        for held, categories in zip(self.sums_, self.categories_):
            counts = held.by_value()
            own = [counts.get(category, 0) for category in self._groupable(categories)]
            found.append(_infrequent(own, held.size, self.min_frequency, self.max_categories))
        self.infrequent_places_ = tuple(found)

    def _check_derived(self, place: str) -> None:
        if len(self.infrequent_places_) != self.n_features_in_:
            raise refuse("an entry for each feature", f"{place}.infrequent_places_", len(self.infrequent_places_))
        for number, (places, own) in enumerate(zip(self.infrequent_places_, self.categories_)):
            valid = set(range(len(self._groupable(own))))
            if places is not None and not (places and list(places) == sorted(valid & set(places))):
                raise refuse("places of categories in order", f"{place}.infrequent_places_[{number}]", places)

    def _slots(self, place: int) -> tuple[list[int], int]:
        """Where each groupable category of a feature goes, and how many such places there are."""
        own, infrequent = self._groupable(self.categories_[place]), self.infrequent_places_[place]
        if infrequent is None:
            return list(range(len(own))), len(own)
        rare, found, taken = set(infrequent), [], 0
        for number in range(len(own)):
            found.append(-1 if number in rare else taken)
            taken += number not in rare
        return [taken if slot < 0 else slot for slot in found], taken + 1

    def _shown(self, place: int) -> list[Any]:
        """The categories that have a place, the infrequent ones as one word at the end."""
        own, infrequent = self._groupable(self.categories_[place]), self.infrequent_places_[place]
        if infrequent is None:
            return list(own)
        return [category for number, category in enumerate(own) if number not in infrequent] + [INFREQUENT]

    def _adopt_groups(self, fitted: Any) -> None:
        """Take the infrequent categories of a fitted encoder of scikit-learn's."""
        places = getattr(fitted, "_infrequent_indices", None) or [None] * self.n_features_in_
        self.infrequent_places_ = tuple(None if own is None else tuple(map(int, own)) for own in places)
        self._settle()

    def _lend_groups(self, made: Any) -> None:
        """Give them to an encoder of scikit-learn's."""
        import numpy

        made._infrequent_enabled = self.min_frequency is not None or self.max_categories is not None
        if made._infrequent_enabled:
            places = self.infrequent_places_
            made._infrequent_indices = [None if own is None else numpy.array(own) for own in places]
            made._default_to_infrequent_mappings = [
                None if own is None else numpy.array(self._slots(place)[0]) for place, own in enumerate(places)
            ]


def _infrequent(counts: Sequence[int], rows: int, least: Any, limit: int | None) -> tuple[int, ...] | None:
    """The places of infrequent categories, as scikit-learn finds them; None of none."""
    floor: float = 0 if least is None else int(least) if isinstance(least, Integral) else rows * least
    rare = {place for place, count in enumerate(counts) if count < floor}
    if limit is not None and limit < len(counts) - len(rare) + 1:
        by_count = sorted(range(len(counts)), key=counts.__getitem__)
        rare.update(by_count[: len(counts) - (limit - 1)])
    return tuple(sorted(rare)) or None
