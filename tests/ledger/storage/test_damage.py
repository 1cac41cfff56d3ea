"""Damage: whatever a disk or a hand does to a line, it is found, with line and offset named.

A line's digest binds its bytes, the line before it and the ledger. ``line`` counts from 1, the header;
the event of line n has offset n - 1.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger import DamagedLog, DigestMismatch, HeadMismatch, Journal, Log, ManualClock, read_first_line
from tests.ledger.storage.samples import SEED, START, ListStore, counter, fill, reopened, sample
from vectordb import VectorDB


def found_in(data: bytes) -> tuple[int, int] | None:
    """Line and offset of the first damage in the bytes of a ledger; None where there is none."""
    store = ListStore(data)
    try:
        header, position = read_first_line(store)
        if header is None:
            return (1, 0)
        journal = Journal(Log(header), store)
        journal.lines = 1
        for _ in journal.load(position):
            pass
    except DamagedLog as error:
        return error.values["line"], error.values["offset"]
    return None


def found_by_opening(path: Path, lines: list[bytes]) -> tuple[int, int] | None:
    """The same by the public way, through a file."""
    path.write_bytes(b"".join(lines))
    found = []
    for options in ({}, {"lazy": True}, {"read_only": True}, None):
        try:
            (VectorDB.replay(path) if options is None else reopened(path, **options)).close()
        except DamagedLog as error:
            found.append((error.values["line"], error.values["offset"]))
        else:
            found.append(None)
    assert len(set(found)) == 1, found
    assert path.read_bytes() == b"".join(lines)
    return found[0]


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    return sample(tmp_path_factory.mktemp("sample") / "ledger.jsonl")


@pytest.fixture(scope="module")
def forked(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """The lines of a fork's fork: three ledgers in one chain."""
    clock = ManualClock(START)
    db = fill(VectorDB(clock=clock, seed=SEED), clock)
    child = db.fork(5, seed=8)
    child.mark("child")
    grandchild = child.fork(6, seed=9)
    grandchild.mark("grandchild")
    path = tmp_path_factory.mktemp("fork") / "fork.jsonl"
    grandchild.snapshot(path)
    return path.read_bytes().splitlines(keepends=True)


def test_nothing_is_found_where_nothing_is_wrong(lines: list[bytes], forked: list[bytes]) -> None:
    assert found_in(b"".join(lines)) is None
    assert found_in(b"".join(forked)) is None


# -- bits and bytes ----------------------------------------------------------------------------------


def flips(lines: list[bytes], step: int = 1) -> list[tuple[int, bytes]]:
    """(line, damaged ledger) for every step-th bit but those of the very last newline."""
    data = b"".join(lines)
    owner = [number for number, line in enumerate(lines, 1) for _ in line]
    wanted = range(0, 8 * (len(data) - 1), step)
    return [
        (owner[bit // 8], b"%b%c%b" % (data[: bit // 8], data[bit // 8] ^ 1 << bit % 8, data[bit // 8 + 1 :]))
        for bit in wanted
    ]


def test_every_flipped_bit_is_found_in_its_line(lines: list[bytes]) -> None:
    wrong = [(line, found) for line, data in flips(lines) if (found := found_in(data)) != (line, line - 1)]
    assert wrong == []


def test_every_flipped_bit_of_a_forks_file_is_found_in_its_line(forked: list[bytes]) -> None:
    wrong = [(line, found) for line, data in flips(forked, 3) if (found := found_in(data)) != (line, line - 1)]
    assert wrong == []


def test_a_flipped_bit_stops_every_way_of_opening(lines: list[bytes], tmp_path: Path) -> None:
    for line, data in flips(lines, 397):
        assert found_by_opening(tmp_path / "damaged.jsonl", [data]) == (line, line - 1)


@pytest.mark.parametrize("bit", range(8))
def test_a_flip_of_the_last_newline_is_a_torn_tail(lines: list[bytes], tmp_path: Path, bit: int) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(b"".join(lines)[:-1] + bytes([ord("\n") ^ 1 << bit]))
    with reopened(path) as db:
        assert (db.head, db.opened.torn_bytes, db.opened.torn_line) == (len(lines) - 2, len(lines[-1]), len(lines))
    assert path.read_bytes() == b"".join(lines[:-1])


def test_every_byte_removed_or_added_is_found(lines: list[bytes]) -> None:
    data, start = b"".join(lines), 0
    for number, line in enumerate(lines, 1):
        for place in range(start, start + len(line) - (number == len(lines)), 5):
            assert found_in(data[:place] + data[place + 1 :]) == (number, number - 1), place
            if data[place] != ord("\n"):  # before a newline it makes an empty line, which comes after this one
                assert found_in(data[:place] + b"\n" + data[place:]) == (number, number - 1), place
        start += len(line)


def test_a_run_of_zeros_is_found(lines: list[bytes]) -> None:
    """What a disk leaves after a power cut: the size is there, the bytes are not."""
    data = b"".join(lines)
    for size in (1, 16, 512):
        for place in range(0, len(data) - size, 211):
            line = data[:place].count(b"\n") + 1
            assert found_in(data[:place] + bytes(size) + data[place + size :]) == (line, line - 1)


# -- whole lines -------------------------------------------------------------------------------------


def test_a_removed_line_is_found(lines: list[bytes], tmp_path: Path) -> None:
    for place in range(len(lines) - 1):
        damaged = lines[:place] + lines[place + 1 :]
        assert found_by_opening(tmp_path / "ledger.jsonl", damaged) == (place + 1, place)


def test_several_removed_lines_are_found(lines: list[bytes]) -> None:
    for place in range(1, len(lines) - 1):
        for stop in range(place + 1, len(lines)):
            assert found_in(b"".join(lines[:place] + lines[stop:])) == (place + 1, place)


def test_a_swapped_pair_is_found(lines: list[bytes], tmp_path: Path) -> None:
    for place in range(len(lines) - 1):
        damaged = [*lines[:place], lines[place + 1], lines[place], *lines[place + 2 :]]
        assert found_by_opening(tmp_path / "ledger.jsonl", damaged) == (place + 1, place)


def test_a_duplicated_line_is_found(lines: list[bytes], tmp_path: Path) -> None:
    for place in range(len(lines)):
        damaged = [*lines[: place + 1], *lines[place:]]
        assert found_by_opening(tmp_path / "ledger.jsonl", damaged) == (place + 2, place + 1)


def test_an_empty_line_is_found(lines: list[bytes], tmp_path: Path) -> None:
    for place in range(len(lines) + 1):
        damaged = [*lines[:place], b"\n", *lines[place:]]
        assert found_by_opening(tmp_path / "ledger.jsonl", damaged) == (place + 1, place)


def test_a_reversed_ledger_is_found(lines: list[bytes]) -> None:
    assert found_in(b"".join([lines[0], *lines[:0:-1]])) == (2, 1)


# -- splices -----------------------------------------------------------------------------------------


def others(lines: list[bytes], folder: Path) -> dict[str, list[bytes]]:
    """Ledgers that hold the same events: of another id, and two forks of this one."""
    clock = ManualClock(START)
    another = fill(VectorDB(clock=clock, seed=SEED + 1), clock)
    another.snapshot(folder / "another")
    (folder / "mine").write_bytes(b"".join(lines))
    with reopened(folder / "mine") as db:
        for offset in (0, 3):
            branch = db.fork(offset, clock=ManualClock(START), seed=11)
            parts = list(db.events(offset + 1))
            for event in parts:  # the same facts again, in the fork's own lines
                branch.state.journal.write(event)
            branch.snapshot(folder / f"fork at {offset}")
    return {path.name: path.read_bytes().splitlines(keepends=True) for path in folder.iterdir() if path.suffix == ""}


def test_lines_of_another_ledger_or_fork_are_found(lines: list[bytes], tmp_path: Path) -> None:
    spliced = others(lines, tmp_path)
    spliced = {name: found for name, found in spliced.items() if name not in ("mine", "mine.lock")}
    assert sorted(spliced) == ["another", "fork at 0", "fork at 3"]
    for name, foreign in spliced.items():
        assert len(foreign) == len(lines), name
        for place, line in enumerate(lines):
            if foreign[place] == line:
                assert name == "fork at 3", name
                assert 1 <= place <= 3, name
                continue
            one = [*lines[:place], foreign[place], *lines[place + 1 :]]
            rest = [*lines[:place], *foreign[place:]]
            where = (2, 1) if place == 0 and name != "fork at 3" else (place + 1, place)
            if place == 0 and name == "fork at 3":
                where = (5, 4)  # the header of a fork over the parent's lines: its own begin at offset 4
            assert found_in(b"".join(one)) == where, (name, place)
            if place:
                assert found_in(b"".join(rest)) == where, (name, place)


def test_a_header_of_another_ledger_is_found(lines: list[bytes], tmp_path: Path) -> None:
    VectorDB.open(tmp_path / "another", seed=99).close()
    header = (tmp_path / "another").read_bytes()
    assert found_by_opening(tmp_path / "ledger.jsonl", [header, *lines[1:]]) == (2, 1)


def test_a_forks_file_cut_before_its_branch_is_found(forked: list[bytes], tmp_path: Path) -> None:
    for kept in range(1, 7):
        found = found_by_opening(tmp_path / "fork.jsonl", forked[:kept])
        assert found == (kept + 1, kept)


def test_a_parents_line_in_a_fork_cannot_be_replaced(forked: list[bytes], tmp_path: Path) -> None:
    clock = ManualClock(START)
    fill(VectorDB(clock=clock, seed=SEED + 1), clock).snapshot(tmp_path / "another")
    foreign = (tmp_path / "another").read_bytes().splitlines(keepends=True)
    for place in range(1, 6):
        assert found_in(b"".join([*forked[:place], foreign[place], *forked[place + 1 :]])) == (place + 1, place)


# -- whole last lines --------------------------------------------------------------------------------


def test_lost_last_lines_are_found_only_against_an_expected_head(lines: list[bytes], tmp_path: Path) -> None:
    head = len(lines) - 1
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(b"".join(lines))
    with reopened(path) as db:
        digests = [db.digest(offset) for offset in range(head + 1)]
    for kept in range(head):
        path.write_bytes(b"".join(lines[: kept + 1]))
        reopened(path).close()
        for expect in (head, kept + 1, (head, digests[head]), (kept + 1, digests[kept + 1])):
            with pytest.raises(HeadMismatch) as caught:
                reopened(path, expect=expect)
            assert (caught.value.values["line"], caught.value.values["head"]) == (kept + 1, kept)
        for expect in (kept, 0, (kept, digests[kept]), (0, digests[0]), None):
            reopened(path, expect=expect).close()


def test_an_expected_digest_finds_another_history(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    counter(path, 4).close()
    with reopened(path) as db:
        expect = (3, db.digest(3))
    reopened(path, expect=expect).close()
    path.unlink()
    with VectorDB.open(path, clock=ManualClock(START), seed=SEED) as db:
        for number in range(5):
            db.mark(f"m{number}")
    reopened(path, expect=3).close()
    for options in ({}, {"lazy": True}, {"read_only": True}):
        with pytest.raises(HeadMismatch):
            reopened(path, expect=expect, **options)


def test_an_unmet_expectation_leaves_the_file_as_it_was(lines: list[bytes], tmp_path: Path) -> None:
    """The torn bytes are what is left of the event that is missed: they must not be cut off first."""
    path = tmp_path / "ledger.jsonl"
    data = b"".join(lines)[:-1]
    path.write_bytes(data)
    with pytest.raises(HeadMismatch):
        reopened(path, expect=len(lines) - 1)
    assert path.read_bytes() == data


def test_damage_names_the_rule(lines: list[bytes], tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(b"".join(lines).replace(b'"Ra', b'"Rb').replace(b'"entity":"u1"', b'"entity":"u9"', 1))
    with pytest.raises(DigestMismatch) as caught:
        reopened(path)
    assert caught.value.code == "DigestMismatch"
    assert "digest" in caught.value.rule
    assert "line=3, offset=2" in str(caught.value)
