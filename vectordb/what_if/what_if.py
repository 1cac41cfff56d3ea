"""A what-if: a question about the history of a ledger, put together step by step and then run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ledger import (
    InvalidInput,
    OffsetOutOfRange,
    PredictionsRecorded,
    UnknownVersion,
    check_pipeline,
)
from vectordb.transforms import Transformer
from vectordb.views.version import find_row, read_version
from vectordb.what_if.changes import AGAIN, KEPT, Added, Asked, Changes, FitOn, Write
from vectordb.what_if.counterfactual import Counterfactual
from vectordb.what_if.replaying import replay

if TYPE_CHECKING:
    from vectordb.database import VectorDB
    from vectordb.past import Past


class WhatIf:
    """What would be, if the history after an offset had been another one. Immutable: every step gives a new one.

    The branch forks at ``after`` (None: right before the first change, or at the head); the events that follow are
    written again in it, at their recorded times and with their references re-pointed:

    * rows by the names of their features, under the definitions that the branch then has;
    * predictions read their inputs again, at the same clock; where inputs and model are the same, the output is;
      else a model that is data, or one given to ``run``, computes it, or the old one is kept and listed;
    * pipelines are fitted again on the rows that exist, or on the moments given by ``fit_on`` (else what was learnt on
      moments is kept and listed);
    * training sets are kept, their versions re-pointed, and listed;
    * outcomes are kept; exposures too, unless units are assigned again.

    What the branch refuses is listed with its reason. The original is never touched.

    >>> from vectordb import Int, VectorDB
    >>> db = VectorDB()
    >>> drivers = db.create_view("drivers", entity="driver", features={"trips": Int()})
    >>> wrong, right = (drivers.put("d-7", {"trips": value}).offset for value in (12, 13))
    >>> found = db.what_if().drop(right).run()
    >>> found.branch.view("drivers").get("d-7")["trips"], drivers.get("d-7")["trips"], found.diff().counts["rows"]
    (12, 13, 1)
    """

    __slots__ = ("_after", "_changes", "_db", "_first", "_past")

    def __init__(self, db: VectorDB, past: Past, after: int | None = None) -> None:
        """``past`` is the head of the database that is told again."""
        self._db = db
        self._past = past
        self._after = after
        self._changes = Changes()
        self._first = past.as_of_offset  # the latest offset at which every change still lies ahead
        if after is not None and (type(after) is not int or not 0 <= after <= past.as_of_offset):
            rule = "a what-if begins after an offset of the log"
            raise OffsetOutOfRange(rule, offset=after, first=0, last=past.as_of_offset)

    def _with(self, first: int, **changes: Any) -> WhatIf:
        """The same with changes, all of which come after an offset."""
        if self._after is not None and first < self._after:
            rule = "a change of a what-if comes after its fork"
            raise InvalidInput(rule, after=self._after, change=first + 1)
        other = WhatIf(self._db, self._past, self._after)
        other._changes = self._changes._replace(**changes)
        other._first = min(self._first, first)
        return other

    # -- changes ---------------------------------------------------------------------------------------

    def drop(self, *offsets: int) -> WhatIf:
        """Leave events out. Raises ``OffsetOutOfRange``, and ``InvalidInput`` for one before the fork."""
        for offset in offsets:
            if type(offset) is not int or not 1 <= offset <= self._past.as_of_offset:
                last = self._past.as_of_offset
                raise OffsetOutOfRange("an event's offset lies in the log", offset=offset, first=1, last=last)
        if not offsets:
            return self
        return self._with(min(offsets) - 1, dropped=self._changes.dropped.union(offsets))

    def edit(self, version_id: str, values: Mapping[str, Any]) -> WhatIf:
        """Write other values in one version: those given replace its own, ``MISSING`` takes one away.

        Raises ``UnknownVersion``, ``InvalidCells``, and ``InvalidInput`` for a delete or a version before the fork.
        """
        past = self._past
        if not isinstance(values, Mapping):
            raise InvalidInput("an edit has values by feature", values=values)
        log, wanted = past.state.log, find_row(past.state.log, version_id, past.as_of_offset)
        if isinstance(log.event(wanted.offset).fact, PredictionsRecorded):
            raise UnknownVersion("a version id names a row of a view", id=version_id)
        plan = past.state.plan(wanted.collection, wanted.offset)
        version = read_version(log, plan, wanted.entity, wanted.ref)
        if version.deleted:
            raise InvalidInput("a delete has no values to edit: drop its event", id=version_id)
        plan.layout.encode_slowly({**version.values, **values}, wanted.entity)  # refuses here, naming the cells
        edits = {offset: dict(rows) for offset, rows in self._changes.edits.items()}
        rows = edits.setdefault(wanted.offset, {})
        rows[wanted.row or 0] = {**rows.get(wanted.row or 0, {}), **values}
        return self._with(wanted.offset - 1, edits=edits)

    def add(self, write: Write, after: int | None = None) -> WhatIf:
        """Call ``write(branch)`` right after an offset (None: that of the fork), at its recorded time.

        Reads at that offset or later see what it writes; what it raises ends the run. Raises ``OffsetOutOfRange``.
        """
        place = self._start if after is None else after
        if type(place) is not int or not 0 <= place <= self._past.as_of_offset:
            last = self._past.as_of_offset
            raise OffsetOutOfRange("events are added after an offset of the log", offset=after, first=0, last=last)
        return self._with(place, added=(*self._changes.added, Added(place, write)))

    def swap(self, service: str, pipeline: Transformer | Mapping[str, Any] | None) -> WhatIf:
        """Another pipeline (None: none) for a service, from the fork on or from its first definition.

        It is fitted wherever the service's own was; where that was before the fork, at the fork (on the rows that
        exist, or on the moments of ``fit_on``). One that is fitted already serves at once; without either, predictions
        that go through it are refused. Raises ``UnknownName``, and ``InvalidInput`` for what is no pipeline.
        """
        plain = pipeline.to_dict() if isinstance(pipeline, Transformer) else pipeline
        form = None if plain is None else check_pipeline(plain)
        past = self._past
        past.service(service)
        offset = past.state.catalog.services.versions(service)[0][0]
        swaps = {**self._changes.swaps, service: form}
        return self._with(max(offset - 1, self._after or 0), swaps=swaps)

    def fit_on(self, service: str, spine: Any, target: str | None = None) -> WhatIf:
        """The moments that a service's pipeline learns from wherever it is fitted again: a log keeps only their digest.

        ``spine`` and ``target`` are those of ``LiveService.fit``. Raises ``UnknownName``.
        """
        self._past.service(service)
        fits = {**self._changes.fits, service: FitOn(spine, target)}
        return self._with(self._past.as_of_offset, fits=fits)

    @property
    def _start(self) -> int:
        return self._first if self._after is None else self._after

    # -- the answer ------------------------------------------------------------------------------------

    def run(
        self, *, models: Mapping[str, Callable[[Any], Any]] | None = None, assignments: str = KEPT
    ) -> Counterfactual:
        """Fork, change, and tell the rest again. 10 us a row put, 150 us a prediction.

        ``models`` are callables of a row, by ``name@version`` or by name; what they raise is the caller's to see.
        ``assignments="again"`` assigns exposed units by the branch's own experiments instead of keeping their arms (an
        outcome belongs to the arm that its unit met, so they are kept unless asked).
        Raises ``InvalidInput`` for another word.
        """
        if assignments not in (KEPT, AGAIN):
            raise InvalidInput("assignments are kept, or made again", assignments=assignments)
        return replay(self._db, self._past, self._start, self._changes, Asked(models or {}, assignments))

    def __repr__(self) -> str:
        changes = self._changes
        said = {"dropped": len(changes.dropped), "edited": len(changes.edits), "added": len(changes.added)}
        shown = ", ".join(f"{name}={count}" for name, count in {**said, "swapped": len(changes.swaps)}.items())
        return f"WhatIf(after={self._start}, {shown})"
