"""Checks of the projections: their own invariants, and each against a fresh fold of the events, entry by entry.

One more copy of the largest projections is held meanwhile, nothing else grows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

from ledger import DamagedLog, InvalidInput, KitLog, Log, StoreError, VectorDBError
from projections import Catalog, Fold, Projection, Rows, Vectors, contents
from vectordb.audit.checking import Checking
from vectordb.audit.report import Check, Deviation


def check_structure(checking: Checking, projection: Projection) -> Check:
    """A projection's own invariants."""
    name = f"structure of {projection.name}"
    total = sum(projection.counts().values())  # ints
    try:
        projection.check()
    except (AssertionError, VectorDBError, LookupError, ValueError, TypeError) as error:
        return Check(name, total, Deviation(name, "its invariants", f"{type(error).__name__}: {error}"))
    if checking.progress is not None:
        checking.progress(name, total, total)
    return Check(name, total)


def check_folds(checking: Checking, own: Sequence[Projection]) -> list[Check]:
    """Every projection equals a fresh fold, as far as the events can be read; ``own`` are fresh ones of the user's."""
    checks: list[Check] = []
    try:
        checks += _folds(checking, own)
    except (DamagedLog, StoreError) as error:
        checks.append(Check("fold", len(checks), Deviation("fold", "events that can be read", error)))
    return checks


def _folds(checking: Checking, own: Sequence[Projection]) -> Iterator[Check]:
    """A few are folded at a time, so that few are held twice."""
    log = checking.log if checking.whole else _start(checking)
    held = {projection.name: projection for projection in checking.state.fold.projections}
    _check_own(own, held)
    rows = Rows()
    small = [type(one)() for one in held.values() if one.essential and not isinstance(one, (Catalog, Rows, Vectors))]
    users = list(own) if checking.whole else []  # they say what they are at the head only
    for group in (small, [rows, Vectors(rows)], users):
        if group:
            yield from _fold(checking, log, group, held, with_catalog=group is small)


def _start(checking: Checking) -> Log:
    """A log of the events up to the offset."""
    if not isinstance(checking.log, KitLog):
        return checking.log.fork(checking.offset, 0, seed=0)
    start = KitLog(checking.log.kit)
    deque(start.events_of(checking.offset), maxlen=0)
    return start


def _check_own(own: Sequence[Projection], held: dict[str, Projection]) -> None:
    for one in own:
        if one.name not in held or held[one.name].essential:
            rule = "a fresh projection is given for one of your own"
            raise InvalidInput(rule, projection=one.name, known=sorted(held))


def _fold(
    checking: Checking, log: Log, fresh: list[Any], held: dict[str, Projection], with_catalog: bool
) -> Iterator[Check]:
    fold = Fold(log, fresh)
    fold.run(checking.told("fold anew", log.events(), checking.offset))
    compared: list[Projection] = [fold.catalog, *fresh] if with_catalog else fresh
    for projection in compared:
        name = f"fold of {projection.name}"
        if projection in fold.behind:
            yield Check(name, 0, Deviation(name, "a projection that folds every event", fold.behind[projection]))
        else:
            yield _compare(checking, name, held[projection.name], projection)


def _compare(checking: Checking, name: str, held: Projection, fresh: Projection) -> Check:
    """The first place at which what a projection says is not what a fresh fold says."""
    pairs = zip_longest(
        _readable(contents(held, checking.offset, checking.whole)),
        _readable(contents(fresh, checking.offset, checking.whole)),
    )
    count = 0
    for count, (found, expected) in enumerate(checking.told(name, pairs), 1):
        difference = _differing(found, expected)
        if difference is not None:
            return Check(name, count, difference)
    return Check(name, count)


def _readable(pairs: Iterator[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Pairs, and in the end what kept a projection from telling the rest."""
    try:
        yield from pairs
    except (VectorDBError, LookupError, ValueError, TypeError, AttributeError) as error:
        yield "what cannot be told", f"{type(error).__name__}: {error}"


def _differing(found: tuple[str, Any] | None, expected: tuple[str, Any] | None) -> Deviation | None:
    if found is None or expected is None:
        place, value = found or expected or ("", None)
        return Deviation(place, "nothing", value) if expected is None else Deviation(place, value, "nothing")
    if found[0] != expected[0]:
        return Deviation(expected[0], expected[1], f"{found[0]}: {found[1]!r}")
    same = found[1] == expected[1] or repr(found[1]) == repr(expected[1])  # NaN is equal to itself here
    return None if same else Deviation(expected[0], expected[1], found[1])
