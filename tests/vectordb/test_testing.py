"""Stories: a ledger and what it must show, as files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.vectordb.world import FULL, START, World
from vectordb import DamagedLog, Float, Request, Vector
from vectordb.testing import StoryMismatch, assert_story, record_story, state_of


@pytest.fixture
def story(tmp_path: Path) -> Path:
    world = World(ttl=30)
    world.put("d", **FULL)
    world.tick(10)
    world.put(7, at=-5, rating=-0.0)
    world.put(("eu", 7), at=100, city="é")
    world.drivers.delete("d")
    vectors = world.db.create_view("vectors", entity="e", features={"p": Vector(2), "x": Float()})
    vectors.put("a", {"p": [0.1, 2], "x": 0.1})
    service = world.db.create_service("s", features=["drivers:rating", Request("km", Float())])
    world.db.create_model("m", "linear", features=["km"], coefficients=[0.1])
    world.db.record_prediction(service.get(7, request={"km": 0.3}), model="m")
    record_story(world.db, tmp_path / "story", at=[0, 2, 3])
    return tmp_path / "story"


def rewrite(story: Path, change: Any) -> None:
    path = story / "expected.json"
    expected = json.loads(path.read_text("utf-8"))
    change(expected)
    path.write_text(json.dumps(expected), "utf-8")


def test_a_story_is_a_ledger_and_its_expected_state(story: Path) -> None:
    assert sorted(path.name for path in story.iterdir()) == ["events.jsonl", "expected.json"]
    expected = json.loads((story / "expected.json").read_text("utf-8"))
    assert sorted(expected["states"]) == ["0", "10", "2", "3"] and expected["head"] == 10
    assert expected["live"]["views"]["drivers"]["found"] == 1
    assert expected["live"]["views"]["drivers"]["rows"]["7"]["values"]["rating"] == "-0x0.0p+0"


def test_a_story_holds_and_gives_the_database(story: Path) -> None:
    db = assert_story(story)
    assert db.head == 10 and db.views() == ["drivers", "vectors"] and db.predictions()[0].output == 0.03


def test_a_story_written_again_has_the_same_bytes(story: Path, tmp_path: Path) -> None:
    record_story(assert_story(story), tmp_path / "again", at=[3, 0, 2, 2])
    for name in ("events.jsonl", "expected.json"):
        assert (tmp_path / "again" / name).read_bytes() == (story / name).read_bytes()


CHANGES: dict[str, Any] = {
    "a value": lambda e: e["live"]["views"]["drivers"]["rows"]["7"]["values"].update(rating="0x0.0p+0"),
    "a status": lambda e: e["states"]["3"]["views"]["drivers"]["rows"]["7"]["status"].update(trips="null"),
    "a version": lambda e: e["live"]["views"]["drivers"]["rows"]["7"].update(version="drivers/7@4"),
    "found": lambda e: e["live"]["views"]["drivers"].update(found=2),
    "an entity too many": lambda e: e["live"]["views"]["drivers"]["rows"].update(x={}),
    "an entity too few": lambda e: e["states"]["2"]["views"]["drivers"]["rows"].clear(),
    "a definition": lambda e: e["live"]["views"]["drivers"]["definition"].update(ttl=1),
    "a service": lambda e: e["live"]["services"].append("t"),
    "the digest": lambda e: e.update(digest="0" * 64),
    "the head": lambda e: e.update(head=8),
    "a prediction's output": lambda e: e["predictions"][0].update(output="0x1p+0"),
    "a reproduction": lambda e: e["predictions"][0]["reproduced"].update(inputs=False),
    "a view": lambda e: e["states"]["10"]["views"].pop("vectors"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_whatever_differs_is_found_and_its_place_named(story: Path, name: str) -> None:
    rewrite(story, CHANGES[name])
    with pytest.raises(StoryMismatch) as caught:
        assert_story(story)
    assert str(story) in str(caught.value) and isinstance(caught.value, AssertionError)


def test_an_offset_that_the_log_does_not_reach_is_found(story: Path) -> None:
    rewrite(story, lambda e: e["states"].update({"99": {}}))
    with pytest.raises((StoryMismatch, LookupError)):
        assert_story(story)


def test_a_changed_log_is_found(story: Path) -> None:
    path = story / "events.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"Rome"', b'"Bern"'))
    with pytest.raises(DamagedLog):
        assert_story(story)


def test_a_log_cut_at_a_line_is_found(story: Path) -> None:
    path = story / "events.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    with pytest.raises((StoryMismatch, LookupError)):
        assert_story(story)


def test_the_clock_of_a_story_is_the_clock_of_its_recording(tmp_path: Path) -> None:
    world = World(ttl=5)
    world.put("d", at=0, trips=1)
    world.put("e", at=50, trips=2)
    world.clock.set(START + 60)
    record_story(world.db, tmp_path / "story")
    expected = json.loads((tmp_path / "story" / "expected.json").read_text("utf-8"))
    assert expected["live"]["views"]["drivers"]["rows"]["'d'"]["status"]["trips"] == "expired"
    assert expected["live"]["views"]["drivers"]["rows"]["'e'"]["found"]
    assert_story(tmp_path / "story")


def test_state_of_a_reader_is_plain_data(world: World) -> None:
    world.put("d", **FULL)
    state = state_of(world.db)
    assert json.loads(json.dumps(state)) == state
    assert state_of(world.db.as_of(2)) == state != state_of(world.db.as_of(1))
