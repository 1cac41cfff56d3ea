"""Runs of plain rows: what is decoded together is what each line says by itself, and nothing else is taken."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

import ledger.storage.journal
from ledger import DamagedLog, decode_event, parse_bodies
from ledger.facts.view_defined import ViewDefinition
from ledger.header import chain_digest
from ledger.storage.plain_rows import decode_plain_rows
from ledger.values.layouts import Layouts
from tests.contracts.tally import Tally
from vectordb import Bool, Category, Float, Int, Text, Timestamp, VectorDB
from vectordb.testing import state_of

FEATURES: dict[str, Any] = {"x": Float(), "n": Int(), "b": Bool(), "c": Category(), "t": Timestamp()}


def layouts(**features: Any) -> Layouts:
    made = Layouts()
    made.define(ViewDefinition("v", 1, "e", features or FEATURES))
    made.pool["Rome"], made.pool["Ōsaka"]
    return made


def body(offset: int, values: str, entity: str = '"e-1"', time: str = "5", true: str = "", view: str = "v@1") -> bytes:
    event_time = f'"event_time":{true},' if true else ""
    text = f'"time":{time},"type":"row_put@1","view":"{view}","entity":{entity},{event_time}"values":{values}'
    return f'{{"offset":{offset},{text}'.encode()


def one_by_one(bodies: list[bytes], made: Layouts) -> list[Any]:
    told = [decode_event(data, made.__getitem__, 0) for data in parse_bodies(bodies, 2, 3)]
    return [(time, fact.entity, fact.row) for time, fact, _ in told]  # type: ignore[attr-defined]


GOOD = ["[1.5,-3,true,\"Rome\",7]", "[-0.0,0,false,\"Ōsaka\",-7]", "[1e-7,9007199254740992,true,\"Rome\",0]"]


@pytest.mark.parametrize("true", ["", "3", "-9"])
def test_a_run_is_its_lines(true: str) -> None:
    made = layouts()
    bodies = [body(2 + place, text, f'"e-{place}"', str(place), true) for place, text in enumerate(GOOD)]
    run = decode_plain_rows(bodies, 2, made.__getitem__, 0)
    assert run is not None and run.layout is made["v@1"]
    assert list(zip(run.times, run.entities, run.rows)) == one_by_one(bodies, made)
    assert run.event_times == ([int(true)] * 3 if true else run.times)
    assert list(run.part(1, 2).block()) == [("e-1", run.rows[1])]


OTHERS = {
    "an int for a float": '[1,-3,true,"Rome",7]',
    "a float for an int": '[1.5,-3.0,true,"Rome",7]',
    "a bool for an int": '[1.5,true,true,"Rome",7]',
    "a null": '[1.5,-3,null,"Rome",7]',
    "a new category": '[1.5,-3,true,"Bern",7]',
    "a category of ints": "[1.5,-3,true,5,7]",
    "an infinite float": '[1e999,-3,true,"Rome",7]',
    "an int beyond 2**53": '[1.5,9007199254740993,true,"Rome",7]',
    "too few": '[1.5,-3,true,"Rome"]',
    "too many": '[1.5,-3,true,"Rome",7,8]',
    "none": "[]",
    "a list within": '[1.5,-3,true,"Rome",[7]]',
    "an object within": '[1.5,-3,true,"Rome",{"a":7}]',
    "an escape": '[1.5,-3,true,"\\u0052ome",7]',
    "a text that runs on": '[1.5,-3,true,"Rome,7]',
    "a bracket too many": '[1.5,-3,true,"Rome",7]]',
    "no bracket": '[1.5,-3,true,"Rome",7',
    "another key after it": '[1.5,-3,true,"Rome",7],"more":1',
    "NaN": '[NaN,-3,true,"Rome",7]',
    "no number": '[.5,-3,true,"Rome",7]',
    "a leading zero": '[1.5,03,true,"Rome",7]',
}


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_values_that_are_not_plain_go_the_general_way(name: str, place: int) -> None:
    made, texts = layouts(), list(GOOD)
    texts[place] = OTHERS[name]
    bodies = [body(2 + number, text) for number, text in enumerate(texts)]
    assert decode_plain_rows(bodies, 2, made.__getitem__, 0) is None


def test_brackets_that_two_lines_share_are_not_taken() -> None:
    made = layouts(c=Category())
    for texts in (['["Rome', 'Rome"]'], ['["Rome"]]', '["Rome"'], ['["Rome"],["Rome"]', "[]"], ['["Rome",', '"Rome"]']):
        bodies = [body(2 + number, text) for number, text in enumerate(texts)]
        assert decode_plain_rows(bodies, 2, made.__getitem__, 0) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"entity": "7"}, {"entity": '""'}, {"entity": '["a"]'}, {"entity": '"ü"'}, {"entity": '"a\\"b"'},
        {"time": "4"}, {"time": "05"}, {"time": "9007199254740993"}, {"time": "5.0"}, {"true": "9007199254740993"},
        {"true": "1e3"}, {"view": "w@1"}, {"view": "v@2"},
    ],
)  # fmt: skip
def test_heads_that_are_not_plain_go_the_general_way(changes: dict[str, str]) -> None:
    made = layouts()
    good, other = body(2, GOOD[0]), body(3, GOOD[1], **changes)
    assert decode_plain_rows([good, other], 2, made.__getitem__, 5) is None
    assert decode_plain_rows([good], 2, made.__getitem__, 5) is not None
    assert decode_plain_rows([good], 2, made.__getitem__, 6) is None, "times never go back"


# -- whole files -----------------------------------------------------------------------------------


def written(path: Path, seed: int, clock: Any = None) -> Path:
    """A thousand puts: mostly plain ones, some late, ahead, partial or deletes."""
    random, now = Random(seed), [1_000_000]
    with VectorDB.open(path, seed=seed, clock=lambda: now[0]) as db:
        view = db.create_view("v", entity="e", features=FEATURES)
        for step in range(1_000):
            now[0] += random.randrange(3)
            values = {"x": random.random() * 10 ** random.randrange(-20, 20), "n": random.randrange(99), "b": True}
            values |= {"c": random.choice(["Rome", "Oslo"]), "t": random.randrange(9)}
            entity, rare = f"e-{random.randrange(60)}", random.random() < 0.02
            if rare and step > 300:
                view.delete(entity) if random.random() < 0.3 else view.put(entity, {"n": 1}, event_time=random.random())
            else:
                view.put(entity, values, event_time=now[0] / 1e6 + (random.random() if step % 40 == 7 else 0))
    return path


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_a_file_is_read_as_line_by_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, lazy: bool
) -> None:
    path = written(tmp_path / "ledger.jsonl", seed)
    with VectorDB.open(path, lazy=lazy) as fast, VectorDB.open(path, read_only=True, projections=[Tally()]) as events:
        monkeypatch.setattr(ledger.storage.journal, "decode_plain_rows", lambda *arguments: None)
        with VectorDB.open(path, read_only=True, lazy=lazy) as slow:
            assert state_of(fast) == state_of(slow) == state_of(events)
            assert [p.dump() for p in fast.state.fold.projections] == [p.dump() for p in slow.state.fold.projections]
            assert fast.digest() == slow.digest() and events.projection("tally").events == slow.head  # type: ignore[attr-defined]
            for offset in range(1, slow.head + 1, 97):
                assert fast.event(offset).payload == slow.event(offset).payload
        fast.check()
        fast.view("v").put("e-1", {"n": 3})


def test_a_wrong_line_among_plain_ones_is_named_as_ever(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with VectorDB.open(path, seed=1) as db:
        view = db.create_view("v", entity="e", features={"x": Float(), "t": Text()})
        for number in range(400):
            view.put(f"e-{number}", {"x": number / 7, "t": "text"})
        chain, lines = db.state.log.chain, path.read_bytes().splitlines(keepends=True)
        ledger_id, previous = chain.before(320)
    good = lines[320]
    wrong = good[: good.index(b',"digest"')].replace(b'"text"', b"17")
    digest = chain_digest(ledger_id, previous, wrong).hex().encode()
    path.write_bytes(b"".join([*lines[:320], wrong + b',"digest":"' + digest + b'"}\n']))
    with pytest.raises(DamagedLog, match="a Text is a str") as caught:
        VectorDB.open(path)
    assert (caught.value.values["line"], caught.value.values["offset"]) == (321, 320)
