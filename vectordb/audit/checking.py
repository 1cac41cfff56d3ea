"""Checking: what the checks of a verification share, which is what they look at and how they tell of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from ledger import Erased, Omitted, Pruned, VectorDBError
from vectordb.audit.report import Check, Deviation

if TYPE_CHECKING:
    from vectordb.reader import Reader

T = TypeVar("T")
Progress: TypeAlias = Callable[[str, int, int], None]  # name of the check, how many are done, of how many
EVERY: Final = 4096  # things between two calls of ``progress``
NOTED: Final = 20  # reasons that are listed
GONE: Final = (Erased, Pruned, Omitted)


class Checking:
    """One reader that is checked: ``offset`` is how far; each check stops at its first difference."""

    def __init__(self, reader: Reader, progress: Progress | None = None) -> None:
        self.reader = reader
        self.state = reader.state
        self.log = reader.state.log
        self.offset = reader.as_of_offset
        self.whole = self.offset == self.log.head  # else what only the head has is not compared
        self.progress = progress

    def digest(self) -> str:
        """The digest of the last event in hex; empty where a kit leaves it out."""
        try:
            return self.log.digest(self.offset).hex()
        except Omitted:
            return ""

    def told(self, name: str, things: Iterable[T], total: int = 0) -> Iterator[T]:
        """Things one by one, telling how far it is; ``total`` is 0 where nobody knows."""
        tell = self.progress
        done = 0
        for done, thing in enumerate(things, 1):
            if tell is not None and done % EVERY == 0:
                tell(name, done, total)
            yield thing
        if tell is not None:
            tell(name, done, total or done)

    def each(self, name: str, check: Callable[[int], Deviation | str | None]) -> Check:
        """A check of every offset. One that cannot be read any more is noted, one that cannot be read differs.

        A text that a check answers is noted, too.
        """
        gone: Counter[str] = Counter()
        for offset in self.told(name, range(1, self.offset + 1), self.offset):
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
                return Check(name, offset, found, notes(gone))
        return Check(name, self.offset, None, notes(gone))


def notes(gone: Counter[str]) -> tuple[str, ...]:
    """Why some things were not looked at, most frequent first."""
    shown = [f"{count:,} x {reason}" for reason, count in gone.most_common(NOTED)]
    return tuple(shown if len(gone) <= NOTED else [*shown, f"and {len(gone) - NOTED} reasons more"])
