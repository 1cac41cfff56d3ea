"""Shrinking: a history that fails, made short by dropping steps while it still fails in the same way.

Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input" (2002): drop runs of steps, long ones
first, until no single step can go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic

from tests.simulation.steps import History, Step

SECONDS = 90.0
Trial = Callable[[History], BaseException | None]  # tells a history anew; what it raised


def kind_of(error: BaseException) -> tuple[str, str]:
    """What makes two failures the same one: the type, and the innermost function of the tests that raised."""
    trace, name = error.__traceback__, ""
    while trace is not None:
        if "simulation" in trace.tb_frame.f_code.co_filename:
            name = trace.tb_frame.f_code.co_name
        trace = trace.tb_next
    return type(error).__name__, name


def shrink(history: History, error: BaseException, trial: Trial) -> History:
    """The shortest history found that fails like ``error``; what there is once the time is over."""
    wanted, over = kind_of(error), monotonic() + SECONDS

    def fails(steps: Sequence[Step]) -> bool:
        found = trial(history.keep(steps))
        return found is not None and kind_of(found) == wanted

    steps, size = list(history.steps), max(1, len(history.steps) // 2)
    while size and steps:
        start, dropped = 0, False
        while start < len(steps) and monotonic() < over:
            fewer = steps[:start] + steps[start + size :]
            if fails(fewer):
                steps, dropped = fewer, True
            else:
                start += size
        if monotonic() >= over:
            break
        size = size if dropped and size == 1 else size // 2
    return history.keep(steps)
