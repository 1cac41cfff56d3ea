"""Every stored story replays to its recorded state; building it again gives the stored bytes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.replay.fixtures import EVENTS, EXPECTED, V1, expected, folders, replayed
from tests.replay.stories_of_audit import STORIES
from vectordb import VectorDB
from vectordb.testing import StoryMismatch, assert_story, record_story, state_of

BUILT = sorted(STORIES)


def test_every_story_is_stored_and_every_folder_has_its_builder() -> None:
    assert folders(V1) == sorted([*STORIES, "digits"])


@pytest.mark.parametrize("name", BUILT)
def test_a_stored_story_replays_to_its_recorded_state(name: str) -> None:
    db = assert_story(V1 / name)
    assert db.head == expected(name)["head"]
    assert len(expected(name)["states"]) >= 3  # the head, and earlier offsets


@pytest.mark.parametrize("name", BUILT)
def test_building_a_story_again_gives_the_stored_bytes(name: str, tmp_path: Path) -> None:
    told = STORIES[name]()
    record_story(told.db, tmp_path, told.at)
    for file in (EVENTS, EXPECTED):
        assert (tmp_path / file).read_bytes() == (V1 / name / file).read_bytes(), f"{name}/{file} drifted"


@pytest.mark.parametrize("name", BUILT)
def test_a_snapshot_of_a_replay_gives_the_same_bytes(name: str, tmp_path: Path) -> None:
    replayed(name).snapshot(tmp_path / EVENTS)
    assert (tmp_path / EVENTS).read_bytes() == (V1 / name / EVENTS).read_bytes()


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("name", BUILT)
def test_an_opened_file_shows_what_its_replay_shows(name: str, lazy: bool, tmp_path: Path) -> None:
    path = shutil.copy(V1 / name / EVENTS, tmp_path)
    judge = replayed(name)
    with VectorDB.open(path, clock=judge.clock, lazy=lazy) as db:
        assert state_of(db) == state_of(judge)
        assert db.digest() == judge.digest()


@pytest.mark.parametrize("name", BUILT)
def test_the_past_of_a_replay_is_the_replay_of_its_past(name: str) -> None:
    whole = replayed(name)
    first = whole.header.parent.offset if whole.header.parent else 0
    for offset in range(max(first, whole.state.log.pruned), whole.head + 1):
        part = VectorDB.replay(V1 / name / EVENTS, as_of=offset)
        assert state_of(part.as_of(offset)) == state_of(whole.as_of(offset)), offset


def test_a_story_that_shows_something_else_is_a_mismatch_with_its_place(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(V1 / "late_arrival", tmp_path / "story"))
    text = (folder / EXPECTED).read_text("utf-8")
    (folder / EXPECTED).write_text(text.replace('"Rome"', '"Oslo"', 1), "utf-8")
    with pytest.raises(StoryMismatch, match=r"live/views/drivers/rows/.*city: the story says 'Oslo'"):
        assert_story(folder)


def test_a_ledger_with_one_more_event_is_a_mismatch(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(V1 / "late_arrival", tmp_path / "story"))
    with VectorDB.open(folder / EVENTS, clock=replayed("late_arrival").clock) as db:
        db.mark("one more")
    with pytest.raises(StoryMismatch, match="digest"):
        assert_story(folder)
