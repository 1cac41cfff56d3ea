"""The runs of kills and of power cuts, at smoke size."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.bench.crash import main as crash_main
from tests.bench.faults import faults, lines, table


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_kills_are_counted(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "lines.json"
    crash_main(["--kills", "2", "--seed", "3", "--json", str(path)])
    (line,) = json.loads(path.read_text("utf-8"))["lines"]
    assert line["met"] and line["measured"].startswith("2 kills: ")
    assert "\n| all | | 2 |" in capsys.readouterr().out


def test_power_cuts_are_counted() -> None:
    survived = faults(2, step=60)
    assert list(survived.values())[:5] == [2] * 5 and survived["at every byte"] > 5
    assert "| at every byte | " in table(survived)
    (line,) = lines(survived)
    assert line.met and line.measured == f"{sum(survived.values()):,} of {sum(survived.values()):,} cuts"
