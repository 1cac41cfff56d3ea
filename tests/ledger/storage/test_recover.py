"""``recover=True``: the valid prefix is kept, and the damaged original stays beside it, untouched."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from ledger import DamagedLog, HeadMismatch, InvalidEvent
from tests.ledger.storage.samples import Forger, counter, forge, reopened, sample, told
from vectordb import VectorDB


def beside(path: Path) -> list[Path]:
    return sorted(found for found in path.parent.iterdir() if ".damaged-" in found.name)


def damage(path: Path, line: int) -> bytes:
    """Change one letter of a line; the damaged bytes."""
    lines = path.read_bytes().splitlines(keepends=True)
    lines[line - 1] = lines[line - 1].replace(b'"time":', b'"tame":')
    path.write_bytes(b"".join(lines))
    return path.read_bytes()


@pytest.mark.parametrize("lazy", [False, True])
def test_recovery_keeps_every_event_before_the_damage(tmp_path: Path, lazy: bool) -> None:
    path = tmp_path / "ledger.jsonl"
    lines = sample(path)
    for line in range(2, len(lines) + 1):
        path.write_bytes(b"".join(lines))
        damaged = damage(path, line)
        with reopened(path, recover=True, lazy=lazy) as db:
            assert db.head == line - 2
            assert f"line={line}, offset={line - 1}" in db.opened.damage
            assert Path(db.opened.kept).read_bytes() == damaged
            db.check()
            found = told(db)
        assert path.read_bytes() == b"".join(lines[: line - 1])
        with reopened(path) as db:
            assert (db.opened.damage, db.opened.kept) == ("", "")
            assert told(db) == found


def test_recovery_several_times_keeps_every_original(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    counter(path, 8).close()
    originals = []
    for line in (8, 6, 3):
        originals.append(damage(path, line))
        with reopened(path, recover=True) as db:
            assert db.head == line - 2
    assert [found.read_bytes() for found in beside(path)] == originals


def test_a_file_that_has_the_name_of_a_kept_one_stays(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    counter(path, 3).close()
    (tmp_path / "ledger.jsonl.damaged-1").write_bytes(b"mine")
    damaged = damage(path, 4)
    with reopened(path, recover=True) as db:
        assert db.opened.kept == str(tmp_path / "ledger.jsonl.damaged-2")
    assert [found.read_bytes() for found in beside(path)] == [b"mine", damaged]


def test_work_goes_on_after_recovery(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    counter(path, 6).close()
    damage(path, 5)
    with reopened(path, recover=True) as db:
        db.view("numbers").put("new", {"n": 1})
        assert db.head == 4
    with reopened(path) as db:
        assert (db.head, db.view("numbers").get("new")["n"]) == (4, 1)


def test_without_recover_nothing_is_changed(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    counter(path, 5).close()
    damaged = damage(path, 4)
    for options in ({}, {"read_only": True}, {"read_only": True, "recover": True}, {"lazy": True}):
        with pytest.raises(DamagedLog):
            reopened(path, **options)
    assert path.read_bytes() == damaged
    assert beside(path) == []


def test_a_whole_ledger_needs_no_recovery(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    lines = sample(path)
    with reopened(path, recover=True) as db:
        assert (db.opened.damage, db.opened.kept) == ("", "")
    assert path.read_bytes() == b"".join(lines)
    assert beside(path) == []


def test_a_damaged_header_cannot_be_recovered(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    counter(path, 3).close()
    damaged = path.read_bytes().replace(b'"created":1', b'"created":2', 1)
    path.write_bytes(damaged)
    with pytest.raises(DamagedLog):
        reopened(path, recover=True)
    assert path.read_bytes() == damaged
    assert beside(path) == []


def test_damage_and_a_torn_tail_together(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    counter(path, 6).close()
    path.write_bytes(path.read_bytes()[:-5])
    damaged = damage(path, 4)
    with reopened(path, recover=True) as db:
        assert db.head == 2
        assert Path(db.opened.kept).read_bytes() == damaged


def test_an_invalid_event_with_a_right_digest_is_cut_too(tmp_path: Path) -> None:
    path = forge("row_put@1", '"view":"users@1","entity":"u","values":[1]', tmp_path / "ledger.jsonl")
    original = path.read_bytes()
    with pytest.raises(InvalidEvent):
        reopened(path)
    with reopened(path, recover=True) as db:
        assert (db.head, db.views()) == (1, ["users"])
        assert Path(db.opened.kept).read_bytes() == original


def test_an_unmet_expectation_is_no_damage_to_recover(tmp_path: Path) -> None:
    """Every event of the file is valid: cutting any off would only lose more."""
    path = tmp_path / "ledger.jsonl"
    counter(path, 5).close()
    before = path.read_bytes()
    for expect in (9, (5, "0" * 64), (3, "0" * 64)):
        with pytest.raises(HeadMismatch):
            reopened(path, recover=True, expect=expect)
        assert path.read_bytes() == before
        assert beside(path) == []


def test_recovery_still_checks_the_expected_head(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    counter(path, 6).close()
    damage(path, 5)
    with pytest.raises(HeadMismatch):
        reopened(path, recover=True, expect=6)
    with reopened(path, expect=3) as db:
        assert db.head == 3
    assert len(beside(path)) == 1


def test_a_forks_file_without_its_parents_events_cannot_be_recovered(tmp_path: Path) -> None:
    path = tmp_path / "fork.jsonl"
    with counter(tmp_path / "parent.jsonl", 6) as db:
        branch = db.fork(4)
        branch.mark("mine")
        branch.snapshot(path)
    cut = b"".join(path.read_bytes().splitlines(keepends=True)[:4])
    path.write_bytes(cut)
    with pytest.raises(DamagedLog):
        reopened(path, recover=True)
    assert path.read_bytes() == cut


def test_recovery_keeps_the_permissions(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    counter(path, 4).close()
    path.chmod(0o600)
    damage(path, 4)
    with reopened(path, recover=True) as db:
        kept = Path(db.opened.kept)
    assert [stat.S_IMODE(found.stat().st_mode) for found in (kept, path)] == [0o600, 0o600]


def test_recovery_that_fails_leaves_the_original(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ledger.jsonl"
    counter(path, 4).close()
    damaged = damage(path, 4)

    def refuse(*arguments: object) -> None:
        raise OSError(28, "no space")

    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(OSError, match="no space"):
        reopened(path, recover=True)
    monkeypatch.undo()
    assert path.read_bytes() == damaged
    assert [found for found in tmp_path.iterdir() if found.suffix == ".tmp"] == []
    with VectorDB.open(path, recover=True) as db:
        assert db.head == 2


def test_a_line_too_long_to_be_one_is_recovered_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.storage.jsonl_store.MAX_LINE_BYTES", 5000)
    monkeypatch.setattr("ledger.storage.jsonl_store.BATCH_BYTES", 1000)
    forger = Forger().event("log_marked@1", '"name":"a"').event("log_marked@1", f'"name":"{"x" * 20_000}"')
    path = forger.save(tmp_path / "ledger.jsonl")
    with pytest.raises(DamagedLog) as caught:
        reopened(path)
    assert (caught.value.values["line"], caught.value.values["offset"]) == (3, 2)
    with reopened(path, recover=True) as db:
        assert db.head == 1
