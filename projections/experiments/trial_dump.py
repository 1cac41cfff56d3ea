"""The dump of trials: a head in JSON (units, arms, sizes), then the columns, little-endian."""

from __future__ import annotations

import json
import sys
from array import array
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from ledger import ROW_BITS, entity_from_json, entity_to_json
from projections.experiments.exposures import NEVER, NOWHERE, Exposures
from projections.experiments.outcomes import Outcomes
from projections.experiments.trial import Trial

Column: TypeAlias = "array[Any]"
_EXPOSED = ("arms", "times", "propensities", "until", "since")  # columns of ``Exposures``


def dump_trials(trials: Mapping[tuple[str, int], Trial]) -> bytes:
    """The state of trials, by experiment and bucket version."""
    heads: list[dict[str, Any]] = []
    columns: list[Column] = []
    for (name, bucket), trial in trials.items():
        head, data = _trial(trial)
        heads.append({"experiment": name, "bucket": bucket, **head})
        columns += data
    index = json.dumps(heads, ensure_ascii=False).encode()
    return b"".join([len(index).to_bytes(8, "little"), index, *map(_to_bytes, columns)])


def _trial(trial: Trial) -> tuple[dict[str, Any], list[Column]]:
    held = trial.exposures
    columns: list[Column] = [getattr(held, name) for name in _EXPOSED]
    head: dict[str, Any] = {
        "arms": held.labels,
        "units": list(map(entity_to_json, held.names)),
        "forced": list(held.forced.items()),
        "others": held.other_exposures(),
        "outcomes": {},
    }
    if held.given:
        head["given"] = sorted(held.given)
    for metric, outcomes in trial.outcomes.items():
        head["outcomes"][metric] = len(outcomes)
        columns += [outcomes.units, outcomes.values, outcomes.times, outcomes.refs]
    return head, columns


def _to_bytes(column: Column) -> bytes:
    if sys.byteorder == "big":
        column = column[:]
        column.byteswap()
    return column.tobytes()


class _Reader:
    """Takes columns off a dump, one after the other."""

    def __init__(self, data: bytes, start: int) -> None:
        self._data = data
        self._place = start

    def take(self, typecode: str, size: int) -> Column:
        """The next column."""
        column: Column = array(typecode)
        stop = self._place + size * column.itemsize
        column.frombytes(self._data[self._place : stop])
        if len(column) != size:
            raise ValueError("a dump has all its columns")
        if sys.byteorder == "big":
            column.byteswap()
        self._place = stop
        return column


def load_trials(state: bytes) -> Iterator[tuple[tuple[str, int], Trial]]:
    """The trials of a dump, without courses."""
    start = 8 + int.from_bytes(state[:8], "little")
    reader = _Reader(state, start)
    for head in json.loads(state[8:start]):
        trial = Trial()
        _read_exposures(trial.exposures, head, reader)
        for metric, size in head["outcomes"].items():
            trial.outcomes[metric] = _read_outcomes(trial.exposures, size, reader)
        yield (head["experiment"], head["bucket"]), trial


def _read_outcomes(held: Exposures, size: int, reader: _Reader) -> Outcomes:
    outcomes = Outcomes()
    units, values, times, refs = (reader.take(code, size) for code in "idqq")
    outcomes.add(units, values, times, refs)
    rows = enumerate(zip(units, refs))
    outcomes.wait(row for row, (unit, ref) in rows if not held.since[unit] <= ref >> ROW_BITS < held.until[unit])
    return outcomes


def _read_exposures(held: Exposures, head: dict[str, Any], reader: _Reader) -> None:
    for label in head["arms"]:
        held.arm(label)
    held.names = [entity_from_json(item) for item in head["units"]]
    held.numbers = {name: unit for unit, name in enumerate(held.names)}
    for name in _EXPOSED:
        column = getattr(held, name)
        column.extend(reader.take(column.typecode, len(held.names)))
    held.inside.extend(arm if until == NEVER else NOWHERE for arm, until in zip(held.arms, held.until))
    moves: list[tuple[int, int]] = []
    for offsets, by_arm in ((held.since, held.joins), (held.until, held.leaves)):
        placed = sorted((offset, unit) for unit, offset in enumerate(offsets) if offset != NEVER)
        for offset, unit in placed:
            by_arm[held.arms[unit]].append(offset)
        moves += placed
    for offset, unit in sorted(moves):
        held.moves[0].append(offset)
        held.moves[1].append(unit)
    held.forced.update(map(tuple, head["forced"]))
    held.forced_offsets.extend(sorted(held.forced.values()))
    held.given.update(head.get("given", ()))
    held.restore_others(head["others"])
