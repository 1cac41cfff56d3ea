"""The concurrency run, smaller than small."""

from __future__ import annotations

import pytest

from tests.bench import concurrency


def test_a_short_run_judges_answers(capsys: pytest.CaptureFixture[str]) -> None:
    concurrency.main(["--seconds", "0.1", "--run-seconds", "0.2", "--first-seed", "3"])
    shown = capsys.readouterr().out
    assert "answers judged beside" in shown and "in 1 runs" in shown
