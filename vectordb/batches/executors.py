"""Executors: a big read is shared with one of the caller's, in pieces, with progress.

Only plain data goes to the workers and comes back, so threads, processes and interpreters all do. A piece of work is a
function of a module and its task (``packing.pack``, ``join.join_bent``, ``applied_pipeline.transform``), and its result
that of the serial run. The caller takes a hand wherever enough pieces are under way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from typing import Final, NamedTuple, TypeVar

PIECE: Final = 8_192  # rows of one task
WORTH: Final = 20_000  # rows from which sharing pays: below, sending them costs more than packing them
AHEAD: Final = 4  # tasks handed out before the first is asked for: what is in flight is bounded
Progress = Callable[[int, int], None]
T = TypeVar("T")
R = TypeVar("R")


class Sharing(NamedTuple):
    """An executor (None: the caller's own thread) and who is told how far a read is."""

    executor: Executor | None = None
    progress: Progress | None = None
    rows: int = 0  # of the read, where it is told in rows asked for rather than in steps
    before: int = 0  # rows of parts that are done
    total: int = 0

    def part(self, number: int, parts: int, rows: int) -> Sharing:
        """One part of a read of so many rows each."""
        return Sharing(self.executor, self.progress, rows, number * rows, parts * rows)

    def tell(self, done: int, steps: int) -> None:
        """Report progress: so many steps of all of them."""
        if self.progress is not None and self.total:
            self.progress(self.before + self.rows * done // max(1, steps), self.total)

    def each(self, function: Callable[[T], R], pieces: Iterable[T], rows: int) -> Iterator[R]:
        """``map`` in order, through the executor, a few pieces ahead; without it where there are few rows in all.

        Where enough of them are under way the caller takes the next one itself: that costs no sending, and waiting is
        no work.
        """
        if self.executor is None or rows < WORTH:
            yield from map(function, pieces)
            return
        waiting: deque[Future[R]] = deque()
        for piece in pieces:
            under_way = sum(not future.done() for future in waiting)  # ints
            if under_way <= AHEAD:
                waiting.append(self.executor.submit(function, piece))
            else:
                waiting.append(_done_here(function, piece))
            while waiting and (waiting[0].done() or len(waiting) > 2 * AHEAD):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _done_here(function: Callable[[T], R], piece: T) -> Future[R]:
    """A piece that the caller did; what it raises is raised in its turn."""
    future: Future[R] = Future()
    try:
        future.set_result(function(piece))
    except Exception as error:  # of an earlier piece there may be another
        future.set_exception(error)
    return future


def pieces_of(rows: Sequence[T], size: int = PIECE) -> Iterator[Sequence[T]]:
    """A sequence in pieces."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
