"""Erasing: what goes, what stays as it was, and what is reported."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from ledger import Erased, InvalidInput, ManualClock, ReadOnlyLedger, UnknownName
from tests.vectordb.erasing.history import (
    CITY,
    ENTITIES,
    SECRETS,
    START,
    SUBJECT,
    opened,
    random_history,
    secretive,
    shown,
)
from vectordb import Int, VectorDB, verify_bundle, verify_consistency, verify_inclusion

PLACES = ("memory", "file", "lazy")


def place(where: str, folder: Path) -> VectorDB:
    return opened(None if where == "memory" else folder / "events.jsonl", **({"lazy": True} if where == "lazy" else {}))


def digests(db: VectorDB, head: int) -> list[str]:
    return [db.digest(offset) for offset in range(head + 1)]


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("seed", range(6))
def test_everything_else_is_as_it_was(where: str, seed: int, tmp_path: Path) -> None:
    random = Random(seed)
    db = random_history(place(where, tmp_path), random)
    gone = random.sample(ENTITIES, random.randint(1, 3))
    head, before, old = db.head, digests(db, db.head), shown(db, ("one", gone))
    radius = db.audit.blast_radius("one", gone)
    pasts = [db.as_of(offset) for offset in range(head + 1)]
    if radius.is_empty:
        pytest.skip("nobody wrote them")
    done = db.erase("one", gone, reason="asked")
    assert done.offset == db.head == head + 1 and set(done.versions) == set(radius.versions)
    assert digests(db, head) == before, "digests of the past stay"
    assert shown(db, ("one", gone))[: head + 1] == old[: head + 1]
    for past in (*pasts, db):
        if "one" in past.views():
            assert not any(past.view("one").get(entity).found for entity in gone)
            assert not set(map(repr, gone)) & set(map(repr, past.written_entities("one")))
    db.check()
    again = VectorDB.replay(db.events(), clock=db.state.clock)
    assert shown(again) == shown(db) and again.digest() == db.digest()
    again.check()


@pytest.mark.parametrize("where", PLACES)
def test_an_entity_may_come_back_as_another(where: str, tmp_path: Path) -> None:
    db = secretive(place(where, tmp_path))
    db.erase("people", SUBJECT, reason="asked")
    people = db.view("people")
    assert len(people.history(SUBJECT)) == 0
    receipt = people.put(SUBJECT, {"number": 1})
    assert people.get(SUBJECT)["number"] == 1 and people.get(SUBJECT)["rate"] is None
    assert [version.id for version in people.history(SUBJECT)] == list(receipt.versions)
    db.check()
    assert db.erase("people", SUBJECT, reason="asked again").versions == receipt.versions
    assert not people.get(SUBJECT).found
    db.check()


@pytest.mark.parametrize("where", PLACES)
def test_what_is_asked_for_by_id_says_that_it_was_erased(where: str, tmp_path: Path) -> None:
    db = secretive(place(where, tmp_path))
    done = db.audit.blast_radius("people", SUBJECT)
    batch = db.prediction(next(found for found in done.predictions if "scored" in found))
    erasure = db.erase("people", SUBJECT, reason="asked")
    for version in erasure.versions:
        with pytest.raises(Erased) as refused:
            db.version(version)
        assert refused.value.values["by"] == erasure.offset
        with pytest.raises(Erased):
            db.view("visits").put("p1", {"rate": 1.0}, derived_from=version)
    for prediction in erasure.predictions:
        with pytest.raises(Erased):
            db.prediction(prediction)
        with pytest.raises(Erased):
            db.reproduce(prediction)
    kept = [found for found in db.predictions() if found.offset == batch.offset]
    assert [found.entity for found in kept] == ["p1"] and db.reproduce(kept[0].id).matches
    derived = db.view("visits").history("p1")[0]
    assert derived.derived_from == ("erased@3.0",) and derived.transformation == "tally"


@pytest.mark.parametrize("where", PLACES)
def test_experiments_are_as_if_the_unit_had_never_been_there(where: str, tmp_path: Path) -> None:
    db = secretive(place(where, tmp_path))
    head = db.head
    db.erase("people", SUBJECT, reason="asked")
    trial = db.experiment("trial")
    assert [found.unit for found in trial.exposures()] == ["p1", "p2"]
    assert dict(trial.definition.forced) == {}
    assert sum(db.state.experiments.met("trial", offset=head).values()) == 2  # ints
    assert sum(len(units) for units in db.state.experiments.unit_values("trial", "spent").values()) == 2  # ints
    assert trial.assign(SUBJECT).reason != "forced"


def test_the_report_names_what_was_destroyed(tmp_path: Path) -> None:
    db = secretive(place("memory", tmp_path))
    db.view("visits").put(SUBJECT, {"rate": 1.0})
    fork = db.fork()
    radius = db.audit.blast_radius("people", SUBJECT)
    assert radius.versions == ("people/subject-4711-x@3", "people/subject-4711-x@16.1",
                               "people/subject-4711-x@20.1", "people/subject-4711-x@21")  # fmt: skip
    assert radius.vectors == 2 and radius.entities == 1 and radius.views == ("visits",)
    assert len(radius.predictions) == 2 and radius.experiments == {"trial": 4}
    assert radius.forks == (fork.header.ledger_id,)
    assert radius.to_dict()["versions"] == list(radius.versions)
    head = db.head
    assert db.head == head and db.view("people").get(SUBJECT).found, "a dry run changes nothing"
    done = db.erase("people", SUBJECT, reason="asked", actor="dpo")
    assert {**vars(radius), "offset": head + 1, "lines": done.lines, "reason": "asked"} == vars(done)
    event = db.event(head + 1)
    assert event.type == "entity_erased" and event.meta is not None and event.meta.actor == "dpo"
    assert event.payload["entities"] == 1 and len(event.payload["lines"]) == done.lines
    assert fork.view("people").get(SUBJECT)["city"] == CITY, "a live fork keeps its own copy"
    fork.check()


def test_categories_that_nobody_names_any_more_leave_the_pool(tmp_path: Path) -> None:
    db = secretive(place("memory", tmp_path))
    fork = db.fork()
    pool = db.state.log.layouts.pool
    db.erase("people", SUBJECT, reason="asked")
    assert CITY in pool, "a fork still names it"
    assert fork.view("people").get(SUBJECT)["city"] == CITY
    del fork
    import gc

    gc.collect()
    db.erase("people", "p1", reason="asked")
    assert CITY not in pool and "London" in pool
    pool.check()
    db.view("people").put("p9", {"city": CITY})
    assert db.view("people").get("p9")["city"] == CITY and db.view("people").get("p2")["city"] == "London"


@pytest.mark.parametrize("where", PLACES)
def test_a_refusal_changes_nothing(where: str, tmp_path: Path) -> None:
    db = secretive(place(where, tmp_path))
    head, digest, state = db.head, db.digest(), shown(db)
    refused: list[tuple[Any, ...]] = [
        ("people", "nobody", "asked", InvalidInput),
        ("people", [], "asked", InvalidInput),
        ("people", SUBJECT, "", InvalidInput),
        ("people", SUBJECT, "  ", InvalidInput),
        ("people", SUBJECT, 7, InvalidInput),
        ("people", SUBJECT, f"{SUBJECT} asked", InvalidInput),
        ("nowhere", SUBJECT, "asked", UnknownName),
        ("people", True, "asked", InvalidInput),
    ]
    for view, entity, reason, error in refused:
        with pytest.raises(error):
            db.erase(view, entity, reason=reason)
    with pytest.raises(TypeError):
        db.erase("people", SUBJECT, reason="asked", wrong=1)
    assert (db.head, db.digest(), shown(db)) == (head, digest, state)


def test_pasts_and_forks_take_no_erasure(tmp_path: Path) -> None:
    db = secretive(place("file", tmp_path))
    assert not hasattr(db.as_of(3), "erase")
    with VectorDB.open(tmp_path / "events.jsonl", read_only=True, clock=ManualClock(START)) as reader:
        with pytest.raises(ReadOnlyLedger):
            reader.erase("people", SUBJECT, reason="asked")
        assert reader.view("people").get(SUBJECT).found
    db.close()


def test_a_fork_erases_on_its_own(tmp_path: Path) -> None:
    db = secretive(place("memory", tmp_path))
    fork = db.fork(16)
    fork.erase("people", SUBJECT, reason="asked")
    assert not fork.view("people").get(SUBJECT).found and db.view("people").get(SUBJECT).found
    assert [fork.digest(offset) for offset in range(1, 17)] == [db.digest(offset) for offset in range(1, 17)]
    fork.snapshot(tmp_path / "fork.jsonl")
    assert shown(VectorDB.replay(tmp_path / "fork.jsonl", clock=db.state.clock)) == shown(fork)
    later = fork.fork(3)
    assert not later.view("people").get(SUBJECT).found, "forked before the erasure, still erased"
    later.view("people").put("new", {"number": 1})
    later.snapshot(tmp_path / "later.jsonl")
    again = VectorDB.replay(tmp_path / "later.jsonl", clock=db.state.clock)
    assert shown(again) == shown(later)
    with pytest.raises(Erased):
        again.version("people/subject-4711-x@3")


def test_keys_and_meta_that_name_the_entity_go(tmp_path: Path) -> None:
    db = secretive(place("memory", tmp_path))
    rows = [{"person": "p1", "number": 1}]
    other = db.view("people").put_many(rows, idempotency_key="hourly", actor="cron")
    db.erase("people", [SUBJECT, "p3"], reason="asked")
    kept = db.view("people").put_many(rows, idempotency_key="hourly", actor="cron")
    assert kept.replayed and kept.offset == other.offset
    text = " ".join(str(event.payload) + str(event.meta) for event in db.events())
    assert SUBJECT not in text and "job 7" in text


def test_retried_after_an_erasure_a_key_of_the_erased_writes_again() -> None:
    db = VectorDB(clock=ManualClock(START), seed=1)
    view = db.create_view("people", entity="person", features={"number": Int()})
    view.put("p", {"number": 1}, idempotency_key="k")
    db.erase("people", "p", reason="asked")
    assert not view.put("p", {"number": 1}, idempotency_key="k").replayed


@pytest.mark.parametrize("secret", SECRETS, ids=str)
def test_the_secrets_are_there_before(secret: Any, tmp_path: Path) -> None:
    from tests.vectordb.reachable import find_bytes

    assert find_bytes(secretive(place("memory", tmp_path)), [secret]), "else their absence says nothing"


@pytest.mark.parametrize("where", PLACES)
def test_afterwards_nothing_in_memory_or_in_the_file_holds_them(where: str, tmp_path: Path) -> None:
    from tests.vectordb.reachable import find_bytes

    db = secretive(place(where, tmp_path))
    past, service = db.as_of(16), db.service("scored")
    ask = {"person": ["p1", SUBJECT]}, {"km": [1.0, 2.0]}
    service.get_many(ask[0], request=ask[1]), past.view("people").get(SUBJECT), past.view("people").search(
        "face", [1, 2, 3], k=2
    )
    db.view("people").index("face").build()
    db.view("people").search("face", [1, 2, 3], k=2, where={"city": CITY})
    db.erase("people", SUBJECT, reason="asked")
    assert find_bytes([db, past, service], SECRETS) == []
    if where != "memory":
        data = (tmp_path / "events.jsonl").read_bytes()
        assert [secret for secret in SECRETS if str(secret).encode() in data] == []
        assert sorted(path.name for path in tmp_path.iterdir()) == ["events.jsonl", "events.jsonl.lock"]
    db.close()


@pytest.mark.parametrize("where", PLACES)
def test_proofs_taken_before_still_verify(where: str, tmp_path: Path) -> None:
    db = secretive(place(where, tmp_path))
    head, root = db.head, db.audit.root()
    proofs = [db.audit.proof(offset) for offset in range(1, head + 1)]
    prediction = next(found for found in db.predictions() if found.entity == "p1")
    kit, bundle = db.audit.kit(prediction.id).raw, db.audit.bundle(prediction.id)
    db.erase("people", SUBJECT, reason="asked")
    assert db.audit.root(head) == root
    for proof in proofs:
        assert verify_inclusion(**proof.to_dict())
        assert db.audit.proof(proof.to_dict()["offset"], head).to_dict() == proof.to_dict()
    assert verify_consistency(**db.audit.consistency(head).to_dict())
    assert verify_bundle(bundle, root=root), "what was handed out before is a copy"
    (tmp_path / "kit.jsonl").write_bytes(kit)
    assert VectorDB.replay(tmp_path / "kit.jsonl").reproduce(prediction.id).matches
    with pytest.raises(Erased):
        db.audit.kit(prediction.id)  # the batch that it was recorded in is not whole any more
    with pytest.raises(Erased):
        db.audit.bundle(prediction.id)
    db.close()
