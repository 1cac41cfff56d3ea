"""Outcomes of one metric as they were recorded, in columns: 32 bytes each."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence

from ledger import ROW_BITS

NONE = -1


class Outcomes:
    """Rows in order of reference (offset and row).

    Rows that came while their unit did not count are linked, for when its exposure arrives: each with the one before.
    """

    def __init__(self) -> None:
        self.units = array("i")
        self.values = array("d")
        self.times = array("q")
        self.refs = array("q")
        self._earlier = array("i")  # of a row that waits: the row before of the same unit
        self._waiting: dict[int, int] = {}  # unit -> its last row that waits

    def __len__(self) -> int:
        return len(self.refs)

    def add(self, units: Sequence[int], values: Iterable[float], times: Iterable[int], refs: Iterable[int]) -> None:
        """More rows. References arrive in order. 0.2 us each."""
        self.units.extend(units)
        self.values.extend(values)
        self.times.extend(times)
        self._earlier.frombytes(b"\xff" * (len(units) * self._earlier.itemsize))
        self.refs.extend(refs)

    def add_one(self, unit: int, value: float, time: int, ref: int) -> None:
        """One more row. 0.3 us."""
        self.units.append(unit)
        self.values.append(value)
        self.times.append(time)
        self._earlier.append(NONE)
        self.refs.append(ref)

    def wait(self, rows: Iterable[int]) -> None:
        """These rows, in order, came before the exposure of their units."""
        waiting, earlier, units = self._waiting, self._earlier, self.units
        for row in rows:
            unit = units[row]
            earlier[row] = waiting.get(unit, NONE)
            waiting[unit] = row

    def waiting(self, unit: int) -> list[int]:
        """The rows of a unit that came before its exposure (or after it ceased to count), in order. 0.1 us if none."""
        row = self._waiting.get(unit, NONE)
        rows: list[int] = []
        while row != NONE:
            rows.append(row)
            row = self._earlier[row]
        rows.reverse()
        return rows

    def size(self, offset: int) -> int:
        """How many rows are recorded up to an offset."""
        return bisect_left(self.refs, (offset + 1) << ROW_BITS)
