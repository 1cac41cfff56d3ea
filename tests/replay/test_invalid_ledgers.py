"""Every invalid ledger gives its error: code, line and offset; by open, by replay and by the main job."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.replay.fixtures import ERROR, EVENTS, INVALID, ROOT, folders
from tests.replay.invalid_ledgers import INVALID_LEDGERS, files
from vectordb import DamagedLog, VectorDB
from vectordb.__main__ import main

REASONS = sorted(INVALID_LEDGERS)


def wanted(reason: str) -> dict[str, Any]:
    error: dict[str, Any] = json.loads((INVALID / reason / ERROR).read_text("utf-8"))
    del error["why"]
    return error


def told(error: DamagedLog) -> dict[str, Any]:
    return {"code": error.code, "line": error.values.get("line"), "offset": error.values.get("offset")}


def copied(reason: str, folder: Path) -> Path:
    return Path(shutil.copy(INVALID / reason / EVENTS, folder))


def leaves_a_ledger(reason: str) -> bool:
    """Whether what stands before the damage is a ledger by itself: with a header, and nobody rewrote a line of it."""
    before = b"".join(INVALID_LEDGERS[reason]().lines[: wanted(reason)["line"] - 1])
    whole = b'"redacted":"' not in before and before.count(b'"time":') == before.count(b'{"offset":')
    whole = whole or b'"leaves":"' in before
    return wanted(reason)["line"] > 1 and not reason.startswith("fork_") and whole


BELOW_THE_HEADER = [name for name in REASONS if leaves_a_ledger(name)]


def test_every_invalid_ledger_is_stored() -> None:
    assert folders(INVALID) == REASONS


@pytest.mark.parametrize("reason", REASONS)
def test_building_an_invalid_ledger_again_gives_the_stored_bytes(reason: str) -> None:
    for name, content in files(reason):
        assert (INVALID / reason / name).read_bytes() == content, f"{reason}/{name} drifted"


@pytest.mark.parametrize("reason", REASONS)
def test_replay_refuses_it(reason: str) -> None:
    with pytest.raises(DamagedLog) as caught:
        VectorDB.replay(INVALID / reason / EVENTS)
    assert told(caught.value) == wanted(reason), str(caught.value)


@pytest.mark.parametrize("reason", REASONS)
def test_open_refuses_it_and_leaves_the_file_alone(reason: str, tmp_path: Path) -> None:
    path = copied(reason, tmp_path)
    before = path.read_bytes()
    for lazy in (False, True):  # the lock is free again, and nothing was cut
        with pytest.raises(DamagedLog) as caught:
            VectorDB.open(path, lazy=lazy)
        assert told(caught.value) == wanted(reason), str(caught.value)
        assert path.read_bytes() == before


@pytest.mark.parametrize("reason", REASONS)
def test_the_main_job_reports_it(reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(INVALID / reason / EVENTS)]) == 1
    shown, errors = capsys.readouterr()
    report = json.loads(shown)
    assert errors == ""
    assert report["ok"] is False
    assert {key: report["error"].get(key) for key in ("code", "line", "offset")} == wanted(reason)
    assert report["error"]["rule"]


@pytest.mark.parametrize("reason", BELOW_THE_HEADER)
def test_recovery_keeps_every_line_before_it(reason: str, tmp_path: Path) -> None:
    path = copied(reason, tmp_path)
    before = path.read_bytes()
    with VectorDB.open(path, recover=True) as db:
        assert db.head == wanted(reason)["offset"] - 1
        kept = Path(db.opened.kept)
        assert db.opened.damage
    assert kept.read_bytes() == before
    valid = b"".join(before.splitlines(keepends=True)[: wanted(reason)["line"] - 1])
    assert path.read_bytes() == valid
    with VectorDB.open(path) as again:
        assert again.head == wanted(reason)["offset"] - 1


@pytest.mark.parametrize("reason", sorted(set(REASONS) - set(BELOW_THE_HEADER)))
def test_what_recovery_cannot_mend_stays_as_it_was(reason: str, tmp_path: Path) -> None:
    """Without its header nothing is a ledger, without its parent's lines a fork is none, and without the erasure that
    rewrote a line nobody vouches for what is left of it."""
    path = copied(reason, tmp_path)
    before = path.read_bytes()
    with pytest.raises(DamagedLog):
        VectorDB.open(path, recover=True)
    assert path.read_bytes() == before


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vectordb", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_the_command_exits_1_with_the_error_in_its_json() -> None:
    done = run(str(INVALID / "flipped_bit" / EVENTS))
    assert (done.returncode, done.stderr) == (1, "")
    assert json.loads(done.stdout)["error"]["code"] == "DigestMismatch"


def test_a_missing_file_exits_2_with_one_line(tmp_path: Path) -> None:
    done = run(str(tmp_path / "nothing.jsonl"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "nothing.jsonl" in done.stderr


def test_a_folder_exits_2_with_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 2
    shown, errors = capsys.readouterr()
    assert (shown, errors.count("\n")) == ("", 1)


@pytest.mark.parametrize("arguments", [[], ["a", "b"]])
def test_wrong_usage_exits_2_with_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    shown, errors = capsys.readouterr()
    assert (shown, errors.count("\n")) == ("", 1)


def test_an_empty_file_is_no_ledger_to_replay(tmp_path: Path) -> None:
    path = tmp_path / EVENTS
    path.touch()
    with pytest.raises(DamagedLog) as caught:
        VectorDB.replay(path)
    assert told(caught.value) == {"code": "DamagedLog", "line": 1, "offset": 0}
