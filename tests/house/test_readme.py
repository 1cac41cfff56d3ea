"""Every Python example of the README runs, in order, in one namespace."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.house.source import ROOT

NOT_RUN = "<!-- not run -->"


def python_blocks(text: str) -> list[tuple[int, str]]:
    """The ```python blocks that are run, as (line number of the first line, code)."""
    blocks, lines, number = [], text.splitlines(), 0
    while number < len(lines):
        number += 1
        if lines[number - 1].strip() != "```python":
            continue
        skipped = number > 1 and lines[number - 2].strip() == NOT_RUN
        end = lines.index("```", number)
        if not skipped:
            blocks.append((number + 1, "\n".join(lines[number:end])))
        number = end + 1
    return blocks


def test_readme_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    monkeypatch.chdir(tmp_path)
    if "replay_fixtures/" in readme and (ROOT / "replay_fixtures").is_dir():
        shutil.copytree(ROOT / "replay_fixtures", tmp_path / "replay_fixtures")
    namespace: dict[str, object] = {"__name__": "readme"}
    for line, code in python_blocks(readme):
        # The blank lines put README.md's own line numbers into a traceback.
        exec(compile("\n" * (line - 1) + code, "README.md", "exec"), namespace)


def test_blocks_are_found_with_their_lines() -> None:
    text = "# t\n```python\na = 1\nb = 2\n```\n<!-- not run -->\n```python\nboom\n```\n```sh\nls\n```\n"
    assert python_blocks(text) == [(3, "a = 1\nb = 2")]
