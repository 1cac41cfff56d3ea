"""The README of the fixtures: its examples run, and it names every story."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.replay.fixtures import EVENTS, ROOT, V1, folders

TEXT = (ROOT / "replay_fixtures" / "README.md").read_text("utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_runs(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code = EXAMPLES[number].replace("replay_fixtures/", f"{ROOT.as_posix()}/replay_fixtures/")
    exec(compile(code, f"example {number}", "exec"), {})


def test_every_story_has_its_line() -> None:
    assert [name for name in folders(V1) if f"| `{name}` |" not in TEXT] == []


def test_the_worked_example_is_the_stored_ledger() -> None:
    shown = re.search(r"## A worked example.*?```\n(.*?)```", TEXT, re.DOTALL)
    assert shown is not None
    lines = shown[1].replace("\n ", "").splitlines()
    stored = (V1 / "late_arrival" / EVENTS).read_text("utf-8").splitlines()
    for line, original in zip(lines, stored, strict=False):
        example, full = json.loads(line), json.loads(original)
        assert full.pop("digest").startswith(example.pop("digest").removesuffix("..."))
        assert example == full
