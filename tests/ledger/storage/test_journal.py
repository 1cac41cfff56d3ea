"""The journal: lines and log agree, whatever is refused, interrupted or missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ledger import (
    Event,
    FeatureRef,
    HeadMismatch,
    InvalidEvent,
    InvalidInput,
    Journal,
    JsonlStore,
    Log,
    LogMarked,
    Origin,
    ServiceDefined,
    ServiceDefinition,
    read_first_line,
)
from ledger.header import seal
from tests.ledger.making import T0, append, contents, new_log, row_put
from tests.ledger.stored import every_fact
from tests.ledger.test_log_repair import interrupted_at


@pytest.fixture
def store(tmp_path: Path) -> Any:
    store = JsonlStore(tmp_path / "ledger.jsonl")
    yield store
    store.close()


def begun(store: JsonlStore, **options: Any) -> Journal:
    log = new_log(seed=7)
    store.append(log.header.line())
    journal = Journal(log, store, **options)
    journal.lines = 1
    return journal


def copy_into(journal: Journal, source: Log) -> None:
    for event in source.events(journal.log.head + 1):
        journal.write(Event(event.offset, event.time, event.fact, event.meta, journal.log))


def loaded(path: Any, **options: Any) -> tuple[Journal, JsonlStore]:
    store = JsonlStore(path, read_only=True)
    header, position = read_first_line(store)
    assert header is not None
    journal = Journal(Log(header), store, **options)
    journal.lines = 1
    for _ in journal.load(position):
        pass
    return journal, store


@pytest.mark.parametrize("lazy", [True, False])
def test_what_is_written_is_read_again(store: JsonlStore, lazy: bool) -> None:
    source = every_fact()
    journal = begun(store, lazy=lazy)
    copy_into(journal, source)
    assert contents(journal.log) == contents(source)
    assert Path(store.path).read_bytes() == b"".join(journal.line(offset) for offset in range(source.head + 1))
    again, other = loaded(store.path, lazy=lazy)
    assert contents(again.log) == contents(source)
    assert again.lines == source.head + 1
    other.close()


def test_a_log_in_memory_gives_the_lines_that_a_file_would_hold(store: JsonlStore, tmp_path: Path) -> None:
    source = every_fact()
    copy_into(begun(store), source)
    journal = Journal(source)
    size = journal.snapshot(tmp_path / "copy.jsonl")
    assert (tmp_path / "copy.jsonl").read_bytes() == Path(store.path).read_bytes()
    assert size == len(Path(store.path).read_bytes())
    journal.snapshot(tmp_path / "part.jsonl", 3)
    assert (tmp_path / "part.jsonl").read_bytes() == b"".join(journal.line(offset) for offset in range(4))


@pytest.mark.parametrize("with_store", [True, False])
def test_an_event_larger_than_the_limit_is_refused_whole(store: JsonlStore, with_store: bool) -> None:
    journal = begun(store, max_event_bytes=200)
    if not with_store:
        journal.store = None
    journal.write(Event(1, T0, LogMarked("x"), None, journal.log), 10)
    size = store.size
    with pytest.raises(InvalidInput, match="load"):
        journal.write(Event(2, T0, LogMarked("x" * 200), None, journal.log), 4000)
    assert (journal.log.head, store.size) == (1, size)
    journal.write(Event(2, T0, LogMarked("y"), None, journal.log))
    assert journal.log.head == 2


@pytest.mark.parametrize("with_store", [True, False])
def test_an_event_of_just_the_limit_is_taken(store: JsonlStore, with_store: bool) -> None:
    journal = begun(store)
    event = Event(1, T0, LogMarked("x"), None, journal.log)
    if not with_store:
        journal.store = None
    journal.max_event_bytes = 10
    with pytest.raises(InvalidInput, match="load") as told:
        journal.write(event)
    size = told.value.values["bytes"]
    journal.max_event_bytes = size - 1
    with pytest.raises(InvalidInput, match="load"):
        journal.write(event)
    journal.max_event_bytes = size
    journal.write(event)
    assert journal.log.head == 1


@pytest.mark.parametrize("lazy", [True, False])
def test_an_interrupted_write_leaves_file_and_log_agreeing(tmp_path: Path, lazy: bool) -> None:
    """Ctrl-C before any line of the journal, the store or the log: the next write still follows the last."""
    stored = ("ledger/storage/journal.py", "ledger/storage/jsonl_store.py")
    watched = (*stored, "ledger/log.py", "ledger/segment.py", "ledger/chain.py")
    step = 0
    bad = []
    while True:
        path = tmp_path / f"{step}.jsonl"
        store = JsonlStore(path)
        journal = begun(store, lazy=lazy)
        journal.write(Event(1, T0, LogMarked("first"), None, journal.log))
        event = Event(2, T0, LogMarked("second"), None, journal.log)
        if not interrupted_at(step, lambda journal=journal, event=event: journal.write(event), watched):  # type: ignore[misc]
            store.close()
            break
        if journal.log.head < 2:
            journal.log.repair()
        try:
            journal.write(Event(journal.log.head + 1, T0, LogMarked("after"), None, journal.log))
            expected = [event.fact.name for event in journal.log.events()]  # type: ignore[attr-defined]
            again, other = loaded(path)
            found = [event.fact.name for event in again.log.events()]  # type: ignore[attr-defined]
            other.close()
        except Exception as error:
            bad.append((step, f"{type(error).__name__}: {error}"[:150]))
        else:
            if found != expected or journal.log.digest(journal.log.head) != again.log.digest(again.log.head):
                bad.append((step, f"file {found}, log {expected}"))
        store.close()
        step += 1
    assert step > 20
    assert not bad, "\n".join(map(str, bad))


def sealed(log: Log, bodies: list[bytes]) -> list[bytes]:
    """Lines with valid digests after the present head."""
    lines = []
    for body in bodies:
        digest = log.chain.next(body)
        log.chain.push(digest)
        lines.append(seal(body, digest))
    return lines


def append_raw(store: JsonlStore, journal: Journal, *bodies: bytes) -> None:
    for line in sealed(journal.log, list(bodies)):
        store.append(line)


def mark(offset: int, time: int) -> bytes:
    return b'{"offset":%d,"time":%d,"type":"log_marked@1","name":"m%d"' % (offset, time, offset)


def refused(path: str) -> dict[str, Any]:
    store = JsonlStore(path, read_only=True)
    header, position = read_first_line(store)
    assert header is not None
    journal = Journal(Log(header), store)
    journal.lines = 1
    try:
        with pytest.raises(InvalidEvent) as caught:
            list(journal.load(position))
    finally:
        store.close()
    return caught.value.values


def test_recorded_times_never_go_back(store: JsonlStore) -> None:
    append_raw(store, begun(store), mark(1, 10), mark(2, 10), mark(3, 9))
    values = refused(store.path)
    assert (values["line"], values["offset"]) == (4, 3)


BAD_EVENTS = {
    "version 0 of a service": b'"type":"service_defined@1",'
    b'"definition":{"name":"s","version":0,"features":["drivers:a"]}',
    "infinite default": b'"type":"service_defined@1","definition":{"name":"s","version":1,'
    b'"features":["drivers:a",{"request":"km","type":"float","default":1e999}]}',
    "lineage of no row": b'"type":"row_put@1","view":"drivers@1","entity":"x","values":[1],"derived_from":[[1,0]]',
    "version out of turn": b'"type":"view_defined@1","definition":'
    b'{"name":"drivers","version":3,"entity":"driver","features":[{"name":"a","type":"int"}]}',
    "type changed": b'"type":"view_defined@1","definition":'
    b'{"name":"drivers","version":2,"entity":"driver","features":[{"name":"a","type":"float"}]}',
    "source of no row": b'"type":"predictions_recorded@1","service":"s@1","as_of":2,"at":1,"model":"m",'
    b'"predictions":[{"entities":["x"],"inputs":[1],"sources":[[2,9]],"output":1}]',
    "source in a definition": b'"type":"predictions_recorded@1","service":"s@1","as_of":2,"at":1,"model":"m",'
    b'"predictions":[{"entities":["x"],"inputs":[1],"sources":[[1,0]],"output":1}]',
    "infinite parameter": b'"type":"model_defined@1","definition":'
    b'{"name":"m","version":1,"kind":"linear","parameters":{"a":1e999}}',
}


@pytest.mark.parametrize("name", BAD_EVENTS)
def test_an_event_fits_those_before_it(store: JsonlStore, name: str) -> None:
    definition = b'{"offset":1,"time":1,"type":"view_defined@1","definition":'
    definition += b'{"name":"drivers","version":1,"entity":"driver","features":[{"name":"a","type":"int"}]}'
    row = b'{"offset":2,"time":1,"type":"row_put@1","view":"drivers@1","entity":"x","values":[1]'
    append_raw(store, begun(store), definition, row, b'{"offset":3,"time":1,' + BAD_EVENTS[name])
    values = refused(store.path)
    assert (values["line"], values["offset"]) == (4, 3)


def test_the_end_of_the_log_is_checked_against_the_expected_one() -> None:
    journal = Journal(every_fact())
    head = journal.log.head
    for good in (None, head, head - 1, 0, (head, journal.log.digest(head).hex()), (2, journal.log.digest(2).hex())):
        journal.check_expected(good)
    for bad in (head + 1, (head, "ab" * 32), (head + 1, "ab" * 32)):
        with pytest.raises(HeadMismatch) as caught:
            journal.check_expected(bad)
        assert caught.value.values["head"] == head


def test_a_store_without_a_whole_line_has_no_header(store: JsonlStore) -> None:
    assert read_first_line(store) == (None, 0)


def test_a_fork_of_a_file_is_a_log_in_memory(store: JsonlStore) -> None:
    journal = begun(store, lazy=True)
    copy_into(journal, every_fact())
    branch = journal.log.fork(6, T0, seed=9)
    append(branch, row_put(branch, branch.layouts.newest("drivers"), "x", {"trips": 3}, Origin((3 << 24,))))
    append(branch, ServiceDefined(ServiceDefinition("s", 1, (FeatureRef("drivers", "trips"),))))
    assert contents(branch)[:6] == contents(journal.log)[:6]
