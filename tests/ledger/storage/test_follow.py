"""Following: a reader keeps up with the process that writes, sees whole events only, and any replacement."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from ledger import ClosedLedger, DamagedLog, Event, Fact, ManualClock, ReadOnlyLedger
from projections import Projection
from tests.ledger.storage.samples import START, Forger, counter, reopened, told
from vectordb import Int, VectorDB

LAZY = pytest.mark.parametrize("lazy", [False, True], ids=["eager", "lazy"])


def follower(path: Path, lazy: bool = False, **options: Any) -> VectorDB:
    return VectorDB.open(path, clock=ManualClock(START), read_only=True, lazy=lazy, **options)


@LAZY
def test_refresh_folds_what_was_appended(tmp_path: Path, lazy: bool) -> None:
    path = tmp_path / "ledger.jsonl"
    with counter(path, 3) as db, follower(path, lazy) as reader:
        for number in range(5):
            db.view("numbers").put("x", {"n": number})
            assert (reader.head, reader.refresh()) == (db.head - 1, db.head)
            assert reader.view("numbers").get("x")["n"] == number
        assert reader.refresh() == reader.refresh() == db.head
        assert told(reader) == told(db)
        reader.check()


@LAZY
def test_many_events_at_once_are_followed(tmp_path: Path, lazy: bool) -> None:
    path = tmp_path / "ledger.jsonl"
    with counter(path, 2) as db, follower(path, lazy) as reader:
        for number in range(900):
            db.view("numbers").put(f"x{number % 7}", {"n": number})
        assert reader.refresh() == 902
        assert reader.digest() == db.digest()
        assert reader.as_of(500).view("numbers").get("x0")["n"] == db.as_of(500).view("numbers").get("x0")["n"]


@LAZY
def test_a_line_is_folded_only_when_it_is_complete(tmp_path: Path, lazy: bool) -> None:
    source, path = tmp_path / "source.jsonl", tmp_path / "ledger.jsonl"
    counter(source, 4).close()
    data = source.read_bytes()
    start = data[:-1].rfind(b"\n") + 1
    path.write_bytes(data[:start])
    with follower(path, lazy) as reader:
        for size in range(start + 1, len(data)):
            path.write_bytes(data[:size]) if size == start + 1 else append(path, data[size - 1 : size])
            assert (reader.refresh(), reader.view("numbers").get("e4").found) == (3, False)
        append(path, data[-1:])
        assert (reader.refresh(), reader.view("numbers").get("e4")["n"]) == (4, 4)


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def test_wait_gives_up_in_time(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with counter(path, 3) as db, follower(path) as reader:
        for waiting in (db, reader):
            assert waiting.wait(3, timeout=0) is True
            start = time.monotonic()
            assert waiting.wait(4, timeout=0.06) is False
            assert 0.05 <= time.monotonic() - start < 5


def test_wait_returns_when_the_event_is_there(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with counter(path, 3) as db, follower(path) as reader:
        timer = threading.Timer(0.05, db.mark, ["later"])
        timer.start()
        assert reader.wait(4, timeout=20) is True
        timer.join()
        assert (reader.head, reader.as_of(mark="later").head) == (4, 4)


@LAZY
def test_a_replaced_file_is_opened_again(tmp_path: Path, lazy: bool) -> None:
    path, other = tmp_path / "ledger.jsonl", tmp_path / "other.jsonl"
    counter(path, 6).close()
    with VectorDB.open(other, clock=ManualClock(START), seed=99) as db:
        db.create_view("numbers", entity="number", features={"n": Int()}).put("other", {"n": 7})
    with follower(path, lazy) as reader:
        assert reader.head == 6
        os.replace(other, path)
        assert reader.refresh() == 2
        assert reader.view("numbers").entities() == ["other"]
        with reopened(path) as writer:
            writer.view("numbers").put("more", {"n": 8})
            assert reader.refresh() == 3
            assert reader.digest() == writer.digest()
        reader.check()


def test_views_held_before_a_replacement_show_the_new_file(tmp_path: Path) -> None:
    path, other = tmp_path / "ledger.jsonl", tmp_path / "other.jsonl"
    counter(path, 3).close()
    with VectorDB.open(other, clock=ManualClock(START), seed=99) as db:
        numbers = db.create_view("numbers", entity="number", features={"n": Int()})
        numbers.put("e3", {"n": 70})
        numbers.put("e3", {"n": 71})
    with follower(path) as reader:
        view = reader.view("numbers")
        os.replace(other, path)
        assert reader.refresh() == 3
        assert view.get("e3")["n"] == 71
        assert [version.values["n"] for version in view.history("e3")] == [70, 71]
        assert view.entities() == ["e3"]


def test_services_held_before_a_replacement_serve_the_new_file(tmp_path: Path) -> None:
    path, other = tmp_path / "ledger.jsonl", tmp_path / "other.jsonl"
    for place, (file, seed) in enumerate(((path, 1), (other, 99))):
        with VectorDB.open(file, clock=ManualClock(START), seed=seed) as db:
            db.create_view("numbers", entity="number", features={"n": Int()})
            db.create_service("s", features=["numbers:n"])
            db.view("numbers").put_many({"number": ["a", "b"], "n": [place, 10 + place]})
    with follower(path) as reader:
        service, view = reader.service("s"), reader.view("numbers")
        for _ in range(3):  # rows are held and read the quick way
            assert service.get("a")["n"] == 0 and service.get_many(["a", "b"]).column("n") == [0, 10]
        held = [service.get_many(["a", "b"]), view.get_many(["a", "b"])]
        os.replace(other, path)
        assert reader.refresh() == 3
        assert [[row["n"] for row in matrix] for matrix in held] == [[0, 10]] * 2, "a matrix never changes"
        for _ in range(3):
            assert service.get("a")["n"] == 1 and service.get_many(["a", "b"]).column("n") == [1, 11]
            assert view.get_many(["b", "a"]).column("n") == [11, 1]


@LAZY
def test_a_past_held_before_a_replacement_never_changes(tmp_path: Path, lazy: bool) -> None:
    path = tmp_path / "ledger.jsonl"
    with counter(path, 4):
        pass
    with follower(path, lazy) as reader:
        past = reader.as_of(4)
        counter(tmp_path / "other", 2).close()
        os.replace(tmp_path / "other", path)
        assert reader.refresh() == 2
        assert past.view("numbers").get("e4")["n"] == 4
        assert [event.offset for event in past.events()] == [1, 2, 3, 4]


@LAZY
def test_a_file_cut_and_written_again_is_followed(tmp_path: Path, lazy: bool) -> None:
    """As a writer leaves it that had to recover."""
    path = tmp_path / "ledger.jsonl"
    counter(path, 5).close()
    lines = path.read_bytes().splitlines(keepends=True)
    with follower(path, lazy) as reader:
        path.write_bytes(b"".join(lines[:-2]))
        assert reader.refresh() == 3
        with reopened(path) as db:
            db.mark("again")
        assert reader.refresh() == 4


def test_a_missing_file_is_said_so_and_what_is_known_still_answers(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    counter(path, 3).close()
    with follower(path) as reader:
        data = path.read_bytes()
        path.unlink()
        with pytest.raises(FileNotFoundError):
            reader.refresh()
        assert reader.view("numbers").get("e3")["n"] == 3
        path.write_bytes(data)
        assert reader.refresh() == 3


@LAZY
def test_appended_damage_is_named_each_time_and_events_before_it_are_kept(tmp_path: Path, lazy: bool) -> None:
    path = tmp_path / "ledger.jsonl"
    counter(path, 3).close()
    with reopened(path) as db:
        header = db.header
    forger = Forger.after(header, path.read_bytes().splitlines(keepends=True))
    with follower(path, lazy) as reader:
        forger.event("log_marked@1", '"name":"good"').event("log_marked@1", '"name":7').save(path)
        for _ in range(3):
            with pytest.raises(DamagedLog) as caught:
                reader.refresh()
            assert (caught.value.values["line"], caught.value.values["offset"]) == (6, 5)
        assert reader.view("numbers").get("e3")["n"] == 3
        forger.lines.pop()
        forger.save(path)
        assert reader.refresh() == 4
        assert reader.digest() == forger.lines[-1][-67:-3].decode()


class Interrupting(Projection):
    """Raises an interrupt once, at an offset."""

    name = "interrupting"
    handles = (Fact,)
    at = 0

    def reset(self) -> None:
        self.seen: list[int] = []

    def apply(self, event: Event) -> None:
        if event.offset == self.at:
            self.at = 0
            raise KeyboardInterrupt
        self.seen.append(event.offset)


@LAZY
@pytest.mark.parametrize("at", [4, 5, 300, 700])
def test_an_interrupted_refresh_goes_on_where_it_was(tmp_path: Path, lazy: bool, at: int) -> None:
    path = tmp_path / "ledger.jsonl"
    with counter(path, 3) as db, follower(path, lazy, projections=[own := Interrupting()]) as reader:
        for number in range(700):
            db.view("numbers").put(f"x{number % 5}", {"n": number})
        own.at = at
        with pytest.raises(KeyboardInterrupt):
            reader.refresh()
        assert reader.head == at
        assert reader.refresh() == 703
        assert reader.digest() == db.digest()
        assert reader.view("numbers").get("x4")["n"] == 699
        assert reader.projection("interrupting") is own
        assert own.seen == list(range(1, 704))
        reader.check()


def test_projections_of_a_reader_follow_a_replacement(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    counter(path, 6).close()
    with follower(path, projections=[own := Interrupting()]) as reader:
        counter(tmp_path / "other", 3).close()
        os.replace(tmp_path / "other", path)
        reader.refresh()
        assert reader.projection("interrupting") is own
        assert own.seen == [1, 2, 3]


def test_a_damaged_replacement_leaves_the_reader_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    counter(path, 4).close()
    with follower(path, projections=[own := Interrupting()]) as reader:
        (tmp_path / "other").write_bytes(path.read_bytes().replace(b'"e3"', b'"e9"'))
        os.replace(tmp_path / "other", path)
        for _ in range(2):
            with pytest.raises(DamagedLog):
                reader.refresh()
        assert (reader.head, reader.view("numbers").get("e3")["n"]) == (4, 3)
        assert reader.projection("interrupting") is own
        assert own.seen == [1, 2, 3, 4]


def test_only_a_reader_follows(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with counter(path, 2) as db, pytest.raises(ReadOnlyLedger):
        db.refresh()
    with pytest.raises(ReadOnlyLedger):
        VectorDB().refresh()
    with follower(path) as reader:
        pass
    with pytest.raises(ClosedLedger):
        reader.refresh()
    assert reader.view("numbers").get("e2")["n"] == 2


def test_a_subscription_of_a_reader_goes_on_with_what_it_follows(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with counter(path, 2) as db, follower(path) as reader:
        events = reader.subscribe(2)
        assert (events.poll().offset, events.poll()) == (2, None)
        db.mark("x")
        reader.refresh()
        assert events.poll().type == "log_marked"
