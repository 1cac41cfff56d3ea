"""The concurrency run, smaller than small."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.bench import concurrency


def test_a_short_run_judges_answers(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "lines.json"
    concurrency.main(["--seconds", "0.1", "--run-seconds", "0.2", "--first-seed", "3", "--json", str(path)])
    shown = capsys.readouterr().out
    (line,) = json.loads(path.read_text("utf-8"))["lines"]
    assert line["met"] and "right answers beside" in line["measured"]
    assert "answers judged beside" in shown and "in 1 runs" in shown
