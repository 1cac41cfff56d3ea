"""Changes: every moment at which an input of a prediction became another one, from the lists of its versions.

An input is a function of what is known (the offset) and of the clock. As the log grows, the clock of offset n is its
recorded time; between two events it runs from one recorded time to the next. So an input changes at an event (a write,
a delete, a new version of its view), or between events, when a value that is dated ahead becomes visible or a value
expires. Only those moments are looked at, and at each of them the state before is compared with the state after.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ledger import (
    ROW_BITS,
    ROW_MASK,
    Entity,
    Erased,
    Pruned,
    ViewDefined,
    check_kept,
    from_micros,
    header_of,
    to_micros,
)
from vectordb.audit.inputs import InputState, Source, read_states, sources_of
from vectordb.plan import Status

if TYPE_CHECKING:
    from vectordb.prediction import Prediction
    from vectordb.reader import Reader

WRITE: Final = "write"
DELETE: Final = "delete"
DEFINITION: Final = "definition"
VISIBLE: Final = "became visible"
EXPIRED: Final = "expired"


@dataclass(frozen=True)
class Change:
    """An input was ``before``, and is ``after`` from (``offset``, ``time``) on.

    ``cause``: ``write``, ``delete`` or ``definition`` by the event at ``offset``, recorded at ``time``; or the clock
    alone, at ``time``, when the log ended at ``offset``: ``became visible`` (a write or delete that was dated ahead)
    or ``expired``. Each state is value, status (``undefined``: the view has no such feature) and version id.
    """

    input: str
    view: str
    feature: str
    entity: Entity
    cause: str
    offset: int
    time: datetime
    before: InputState
    after: InputState

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "input": self.input,
            "view": self.view,
            "feature": self.feature,
            "entity": list(self.entity) if isinstance(self.entity, tuple) else self.entity,
            "cause": self.cause,
            "offset": self.offset,
            "time": self.time.isoformat(),
            "before": self.before.to_dict(),
            "after": self.after.to_dict(),
        }


class Moment(NamedTuple):
    """After ``offset`` events, at a clock in microseconds; ``ticks``: the clock came here alone, no event did."""

    offset: int
    clock: int
    ticks: bool


class Course(NamedTuple):
    """The clock of offsets from ``first`` to ``last``: the recorded time, but never on the other side of ``at``."""

    reader: Reader
    first: int
    last: int
    at: int
    later: bool  # than the prediction, else earlier
    end: int  # the clock at the end of the last offset

    @property
    def start(self) -> int:
        """The clock at the beginning of the first offset."""
        return self.at if self.later else self.clock(self.first)

    def clock(self, offset: int) -> int:
        """The clock when the event of an offset was recorded."""
        recorded = self.reader.state.log.time_of(offset)
        return max(recorded, self.at) if self.later else min(recorded, self.at)

    def at_event(self, offset: int) -> Moment:
        """The moment of an event."""
        return Moment(offset, self.clock(offset), False)

    def at_clock(self, clock: int) -> Moment | None:
        """The moment of a clock, which comes before an event of the same instant; None where it is no part of this."""
        if not self.start < clock <= self.end:
            return None
        before = self.reader.state.log.offset_at(clock - 1)  # the last offset recorded before that clock
        return Moment(min(max(before, self.first), self.last), clock, True)


def changes_of(reader: Reader, prediction: Prediction, before: bool = False) -> tuple[Change, ...]:
    """Changes of all inputs in order of time; see ``Audit.changes``."""
    at, state = to_micros(prediction.at), reader.state
    courses = [Course(reader, prediction.as_of, reader.as_of_offset, at, True, max(at, reader.clock()))]
    if before:
        courses.insert(0, Course(reader, state.log.pruned, prediction.as_of, at, False, at))
    found: list[Change] = []
    for course in courses:
        parts = [state.read_past(_changes, course, source) for source in sources_of(state, prediction)]
        run = sorted((one for part in parts for one in part), key=lambda one: one[:3])
        found += [change for *_, change in run]
    return tuple(found)


def _changes(course: Course, source: Source) -> list[tuple[int, int, int, Change]]:
    return list(_found(course, source))


def _found(course: Course, source: Source) -> Iterator[tuple[int, int, int, Change]]:
    """Changes with what orders them: offset, clock, place of the input."""
    state = course.reader.state
    check_kept(state.log, course.first)
    before = read_states(state, source, course.first, course.start)
    for moment in _moments(course, source):
        after = read_states(state, source, moment.offset, moment.clock)
        for item, old, new in zip(source.items, before, after, strict=True):
            if old.differs(new):
                cause = _cause(course.reader, moment, old, new)
                named = (item.key, source.view, item.feature, source.entity, cause)
                change = Change(*named, moment.offset, from_micros(moment.clock), old, new)
                yield moment.offset, moment.clock, item.place, change
        before = after


def _moments(course: Course, source: Source) -> list[Moment]:
    """When the inputs may have changed: writes to the entity, definitions of the view, and the clocks they set."""
    state = course.reader.state
    versions = state.catalog.views.versions(source.view, course.last)
    refs: Sequence[int] = ()
    if versions:
        refs = list(state.rows.refs(source.view, source.entity, course.last << ROW_BITS | ROW_MASK))
    offsets = {offset for offset, _ in versions} | {ref >> ROW_BITS for ref in refs}
    moments = {course.at_event(offset) for offset in offsets if course.first < offset <= course.last}
    for clock in _clocks(course, refs, {one.ttl for _, one in versions if one.ttl}):
        moment = course.at_clock(clock)
        if moment is not None:
            moments.add(moment)
    return sorted(moments)


def _clocks(course: Course, refs: Iterable[int], ttls: set[int]) -> set[int]:
    """The clocks at which versions that are still there become visible, where they are dated ahead, and expire."""
    clocks = set()
    for ref in refs:
        try:
            event_time = int(header_of(course.reader.state.log.row(ref))[1])
        except (Erased, Pruned):
            continue
        offset = ref >> ROW_BITS
        known = course.start if offset <= course.first else course.clock(offset)
        if event_time > known:
            clocks.add(event_time)
        clocks.update(event_time + ttl + 1 for ttl in ttls)  # the last microsecond of the window counts
    return clocks


def _cause(reader: Reader, moment: Moment, before: InputState, after: InputState) -> str:
    if moment.ticks:
        return EXPIRED if after.status == Status.EXPIRED and before.ref == after.ref else VISIBLE
    if isinstance(reader.state.log.event(moment.offset).fact, ViewDefined):
        return DEFINITION
    return DELETE if after.status == Status.MISSING else WRITE  # no write takes a value away
