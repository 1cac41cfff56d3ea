"""Verification: everything that is shown is what the log says, and the log is what its digests say.

Nothing is trusted that can be computed again: digests from the bodies of the lines, every projection from a fresh fold,
every prediction from its pinned read. One more copy of the largest projections is held meanwhile, nothing else grows.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice, zip_longest
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from ledger import (
    ROW_BITS,
    ROW_MASK,
    ClosedLedger,
    DamagedLog,
    Erased,
    Event,
    InvalidInput,
    KitLog,
    Log,
    Omitted,
    PredictionsRecorded,
    Pruned,
    StoreError,
    UnknownVersion,
    VectorDBError,
    chain_digest,
    check_kept,
    pruned_body,
    to_micros,
)
from projections import Catalog, Fold, Projection, Rows, Vectors, contents
from vectordb.audit.report import Check, Deviation, Report
from vectordb.audit.vouching import vouched
from vectordb.predictions.prediction import Prediction, read_prediction
from vectordb.predictions.reproduction import Reproduction, reproduce

if TYPE_CHECKING:
    from vectordb.reader import Reader

T = TypeVar("T")
Progress: TypeAlias = Callable[[str, int, int], None]  # name of the check, how many are done, of how many
EVERY: Final = 4096  # things between two calls of ``progress``
NOTED: Final = 20  # reasons that are listed
AS_OF: Final = "as_of"
GONE: Final = (Erased, Pruned, Omitted)
DIGEST_ONLY: Final = "of a line that was pruned only the digest is kept, which the compaction binds"
REWRITTEN: Final = "of a line that was redacted the digest of what is left is checked, which the redaction binds"


class Verifier:
    """Checks one reader; each check stops at its first difference."""

    def __init__(self, reader: Reader, own: Sequence[Projection], progress: Progress | None) -> None:
        self._reader = reader
        self._state = reader.state
        self._log = reader.state.log
        self._offset = reader.as_of_offset
        self._whole = self._offset == self._log.head  # else what only the head has is not compared
        self._own = own
        self._progress = progress

    def run(self) -> Report:
        """All checks, in order: what the later ones stand on comes first."""
        checks = [self._events(), self._digests(), vouched(self._log), *self._file(), self._references()]
        if self._whole:
            checks += [self._structure(projection) for projection in self._state.fold.projections]
        checks += [*self._folded(), self._predictions()]
        return Report(self._offset, self._digest(), tuple(checks))

    def _digest(self) -> str:
        try:
            return self._log.digest(self._offset).hex()
        except Omitted:
            return ""

    def _told(self, name: str, things: Iterable[T], total: int = 0) -> Iterator[T]:
        """Things one by one, telling how far it is; ``total`` is 0 where nobody knows."""
        tell = self._progress
        done = 0
        for done, thing in enumerate(things, 1):
            if tell is not None and done % EVERY == 0:
                tell(name, done, total)
            yield thing
        if tell is not None:
            tell(name, done, total or done)

    def _each(self, name: str, check: Callable[[int], Deviation | str | None]) -> Check:
        """A check of every offset. One that cannot be read any more is noted, one that cannot be read differs.

        A text that a check answers is noted, too.
        """
        gone: Counter[str] = Counter()
        for offset in self._told(name, range(1, self._offset + 1), self._offset):
            try:
                found = check(offset)
            except GONE as error:
                gone[error.rule] += 1
                continue
            except (VectorDBError, LookupError, ValueError) as error:
                found = Deviation(f"event {offset}", "an event that can be read", error)
            if isinstance(found, str):
                gone[found] += 1
            elif found is not None:
                return Check(name, offset, found, _notes(gone))
        return Check(name, self._offset, None, _notes(gone))

    # -- the log -------------------------------------------------------------------------------------------------

    def _events(self) -> Check:
        """Offsets without a gap, recorded times that never go back."""

        def check(offset: int) -> Deviation | None:
            event, before = self._log.event(offset), self._log.time_of(offset - 1) if offset > 1 else None
            if event.offset != offset:
                return Deviation(f"event {offset}", offset, event.offset)
            if before is not None and event.time < before:
                return Deviation(f"recorded time of event {offset}", f"at least {before}", event.time)
            return None

        return self._each("events", check)

    def _digests(self) -> Check:
        """Every digest is that of a body and the digest before it; of a redacted line, that of what is left."""
        chain = self._log.chain

        def check(offset: int) -> Deviation | str | None:
            held, body = chain.digest(offset), self._log.body(offset)
            if body == pruned_body(offset):
                return DIGEST_ONLY
            now = chain.redacted.get(offset)
            found = chain_digest(*chain.before(offset), body)
            differs = _same(f"digest of event {offset}", found.hex(), (now or held).hex())
            return differs or (None if now is None else REWRITTEN)

        return self._each("digests", check)

    def _file(self) -> list[Check]:
        """The lines of the file are those of the log, read again."""
        store = self._state.journal.store
        if store is None:
            return []
        wanted = self._told("file", range(self._offset + 1), self._offset + 1)
        try:
            lines = (line for _, lines in store.read(0) for line in lines)
            for offset, line in zip_longest(wanted, islice(lines, self._offset + 1)):
                expected = self._line(offset)
                if expected is not None and line != expected:
                    return [Check("file", offset, Deviation(f"line {offset + 1} of the file", expected, line))]
        except ClosedLedger as error:
            return [Check("file", 0, None, (error.rule,))]
        except (OSError, DamagedLog) as error:
            return [Check("file", 0, Deviation("the file", "one that can be read", error))]
        return [Check("file", self._offset)]

    def _line(self, offset: int) -> bytes | None:
        """The line of an event; None where it cannot be written again."""
        try:
            return self._state.journal.line(offset)
        except GONE:
            return None

    def _references(self) -> Check:
        """What an event refers to is there, and earlier."""

        def check(offset: int) -> Deviation | None:
            event = self._log.event(offset)
            for what, ref, limit in _refs_of(event):
                if ref > limit:
                    return Deviation(f"{what} of event {offset}", f"at most {_shown(limit)}", _shown(ref))
                if what != AS_OF and not self._is_there(ref):
                    return Deviation(f"{what} of event {offset}", "a row of the log", _shown(ref))
            return None

        return self._each("references", check)

    def _is_there(self, ref: int) -> bool:
        try:
            self._log.owner(ref)
        except GONE:
            return True
        except UnknownVersion:
            return False
        return True

    # -- the projections -----------------------------------------------------------------------------------------

    def _structure(self, projection: Projection) -> Check:
        """A projection's own invariants."""
        name = f"structure of {projection.name}"
        total = sum(projection.counts().values())  # ints
        try:
            projection.check()
        except (AssertionError, VectorDBError, LookupError, ValueError, TypeError) as error:
            return Check(name, total, Deviation(name, "its invariants", f"{type(error).__name__}: {error}"))
        if self._progress is not None:
            self._progress(name, total, total)
        return Check(name, total)

    def _folded(self) -> list[Check]:
        """The folds, as far as the events can be read."""
        checks: list[Check] = []
        try:
            checks += self._folds()
        except (DamagedLog, StoreError) as error:
            checks.append(Check("fold", len(checks), Deviation("fold", "events that can be read", error)))
        return checks

    def _folds(self) -> Iterator[Check]:
        """Every projection equals a fresh fold; a few are folded at a time, so that few are held twice."""
        log = self._log if self._whole else self._start()
        held = {projection.name: projection for projection in self._state.fold.projections}
        rows = Rows()
        small = [
            type(one)() for one in held.values() if one.essential and not isinstance(one, (Catalog, Rows, Vectors))
        ]
        for group in (small, [rows, Vectors(rows)], self._own_of(held)):
            if group:
                yield from self._fold(log, group, held, with_catalog=group is small)

    def _start(self) -> Log:
        """A log of the events up to the offset."""
        if not isinstance(self._log, KitLog):
            return self._log.fork(self._offset, 0, seed=0)
        start = KitLog(self._log.kit)
        deque(start.events_of(self._offset), maxlen=0)
        return start

    def _own_of(self, held: dict[str, Projection]) -> list[Projection]:
        """Fresh ones of the user's projections, which say what they are at the head only."""
        for one in self._own:
            if one.name not in held or held[one.name].essential:
                rule = "a fresh projection is given for one of your own"
                raise InvalidInput(rule, projection=one.name, known=sorted(held))
        return list(self._own) if self._whole else []

    def _fold(self, log: Log, fresh: list[Any], held: dict[str, Projection], with_catalog: bool) -> Iterator[Check]:
        fold = Fold(log, fresh)
        fold.run(self._told("fold anew", log.events(), self._offset))
        compared: list[Projection] = [fold.catalog, *fresh] if with_catalog else fresh
        for projection in compared:
            name = f"fold of {projection.name}"
            if projection in fold.behind:
                yield Check(name, 0, Deviation(name, "a projection that folds every event", fold.behind[projection]))
            else:
                yield self._compare(name, held[projection.name], projection)

    def _compare(self, name: str, held: Projection, fresh: Projection) -> Check:
        """The first place at which what a projection says is not what a fresh fold says."""
        pairs = zip_longest(
            _readable(contents(held, self._offset, self._whole)),
            _readable(contents(fresh, self._offset, self._whole)),
        )
        count = 0
        for count, (found, expected) in enumerate(self._told(name, pairs), 1):
            difference = _differing(found, expected)
            if difference is not None:
                return Check(name, count, difference)
        return Check(name, count)

    # -- predictions ---------------------------------------------------------------------------------------------

    def _predictions(self) -> Check:
        """Every recorded prediction comes out again to the same bits, as far as it can be computed."""
        gone: Counter[str] = Counter()
        count = 0
        for count, ref in enumerate(self._told("predictions", self._recorded(gone)), 1):
            difference = self._reproduced(ref, gone)
            if difference is not None:
                return Check("predictions", count, difference, _notes(gone))
        return Check("predictions", count, None, _notes(gone))

    def _recorded(self, gone: Counter[str]) -> Iterator[int]:
        """References of predictions, from the events themselves."""
        for offset in range(1, self._offset + 1):
            try:
                fact = self._log.event(offset).fact
            except VectorDBError as error:  # what is damaged, the first check names
                gone[error.rule] += 1
                continue
            if isinstance(fact, PredictionsRecorded):
                yield from range(offset << ROW_BITS, (offset << ROW_BITS) + fact.rows)

    def _reproduced(self, ref: int, gone: Counter[str]) -> Deviation | None:
        try:
            self._log.owner(ref)
            prediction = read_prediction(self._state, ref)
            again = reproduce(self._reader, prediction)
        except GONE as error:
            gone[error.rule] += 1
            return None
        except (VectorDBError, LookupError, ValueError) as error:
            return Deviation(f"prediction at offset {ref >> ROW_BITS}", "a prediction that can be read", error)
        if again.missing and self._is_gone(prediction):
            gone[f"inputs not compared: {again.missing[0]}"] += 1
            return None
        if again.unchecked:
            gone[f"outputs not compared: {again.unchecked}"] += 1
        return _drift(prediction, again)


    def _is_gone(self, prediction: Prediction) -> bool:
        """Whether what a prediction was read from is erased or pruned, or left out of a kit."""
        try:
            check_kept(self._log, prediction.as_of)
            self._state.rows.check_clock(to_micros(prediction.at))
            for ref in filter(None, prediction.row.sources):
                self._log.row(ref)
        except GONE:
            return True
        return False


def verify(reader: Reader, own: Sequence[Projection], progress: Progress | None) -> Report:
    """See ``Audit.verify``."""
    state = reader.state
    with state.lock:
        state.heal_all()
        return Verifier(reader, own, progress).run()


def _same(place: str, expected: Any, found: Any) -> Deviation | None:
    return None if expected == found else Deviation(place, expected, found)


def _shown(ref: int) -> str:
    return f"{ref >> ROW_BITS}.{ref & ROW_MASK}"


def _refs_of(event: Event) -> Iterator[tuple[str, int, int]]:
    """What an event refers to, and the last reference that it may have."""
    own, origin = event.offset << ROW_BITS, getattr(event.fact, "origin", None)
    for ref in origin.derived_from if origin is not None else ():
        yield "derived_from", ref, own + event.rows - 2  # a row comes before the last one
    if isinstance(event.fact, PredictionsRecorded):
        yield AS_OF, event.fact.as_of << ROW_BITS, own - 1
        for row in event.fact.predictions:
            for ref in row.sources:
                if ref:
                    yield "the source of an input", ref, event.fact.as_of << ROW_BITS | ROW_MASK


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


def _drift(prediction: Prediction, again: Reproduction) -> Deviation | None:
    if again.drifted:
        first = again.drifted[0]
        return Deviation(f"{first.name} of prediction {prediction.id}", first.recorded, first.recomputed)
    if again.missing:
        return Deviation(f"prediction {prediction.id}", "inputs that can be read again", again.missing[0])
    return None


def _notes(gone: Counter[str]) -> tuple[str, ...]:
    shown = [f"{count:,} x {reason}" for reason, count in gone.most_common(NOTED)]
    return tuple(shown if len(gone) <= NOTED else [*shown, f"and {len(gone) - NOTED} reasons more"])
