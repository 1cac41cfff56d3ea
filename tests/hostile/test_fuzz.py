"""Mutations of real files, drawn by hypothesis: a named error with its place, or a sound state.

``python -m tests.bench.fuzz`` goes on for as long as one likes.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from random import Random

import pytest

from tests.bench import fuzz
from tests.hostile.readers import READERS, read_ledger, samples_of, try_bytes
from tests.replay.broken_ledger import database, lines_of
from vectordb import DamagedLog, VectorDB

pytest.importorskip("hypothesis")
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "12"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@pytest.mark.filterwarnings("ignore")  # of transformers, about what they were told to do
@pytest.mark.parametrize("name", READERS)
def test_every_reader_reads_what_is_in_order(name: str, folder: Path) -> None:
    assert {try_bytes(name, sample, folder) for sample in samples_of(name, folder)} == {"read"}


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_what_is_not_is_refused_by_name_or_sound(name: str, folder: Path, seed: int) -> None:
    random = Random(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of transformers, about what they were told to do
        for _ in range(3):
            try_bytes(name, READERS[name].mutate(random, random.choice(samples_of(name, folder))), folder)


def short() -> bytes:
    db = database()
    db.mark("end")
    return b"".join(lines_of(db))


def test_a_ledger_cut_at_any_byte_is_what_its_whole_lines_say(tmp_path: Path) -> None:
    data, path = short(), tmp_path / "cut.jsonl"
    header = data.index(b"\n") + 1
    whole = {data[:stop].count(b"\n") - 1: None for stop in range(header, len(data) + 1)}
    db = VectorDB.replay(_written(path, data))
    digests = {head: db.digest(head) for head in whole}
    for stop in [*range(0, header, 9), *range(header - 2, len(data), 1 if EXAMPLES > 12 else 5), len(data) - 1]:
        _written(path, data[:stop])
        if stop < header:
            with pytest.raises(DamagedLog):
                VectorDB.replay(path)
            continue
        found = VectorDB.replay(path)
        head = data[:stop].count(b"\n") - 1
        assert (found.head, found.digest()) == (head, digests[head])
        assert found.opened.torn_bytes == stop - data[:stop].rindex(b"\n") - 1


def test_a_ledger_with_any_bit_flipped_is_refused_where_it_is(tmp_path: Path) -> None:
    data, path = short(), tmp_path / "flipped.jsonl"
    for place in range(0, len(data), 1 if EXAMPLES > 12 else 7):
        bit = 1 << place % 8
        _written(path, data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :])
        line = data[:place].count(b"\n") + 1
        if place == len(data) - 1:  # the newline of the last line: it is torn, and so not there
            assert VectorDB.replay(path).head == line - 2
            continue
        with pytest.raises(DamagedLog) as refused:
            VectorDB.replay(path)
        assert refused.value.values["line"] == line


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_the_judge_sees_a_state_that_nobody_wrote(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="nobody wrote"):
        read_ledger(short(), tmp_path)


def test_the_fuzzer_tells_what_it_tried_and_keeps_what_it_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fuzz.main(["--minutes", "1", "--inputs", "15", "version id", "tree head"]) == 0
    told = capsys.readouterr().out
    assert "30 inputs, " in told and "InvalidVersion" in told and "0 faults" in told

    def faulty(name: str, data: bytes, folder: Path) -> str:
        if name == "header" and b'"created"' not in data:
            raise KeyError("created")
        return "read"

    monkeypatch.setattr(fuzz, "try_bytes", faulty)
    monkeypatch.setattr(fuzz, "gettempdir", lambda: str(tmp_path))
    tried = fuzz.fuzz(["header"], 60, 2, tmp_path, 60)
    (path,) = tried["header"].faults.values()
    assert tried["header"].inputs == 60 and b'"created"' not in path.read_bytes()
    assert "FAULT KeyError: 'created'" in "\n".join(fuzz.told(tried))
