"""The runs of kills and of power cuts, at smoke size."""

from __future__ import annotations

import os

import pytest

from tests.bench.crash import main as crash_main
from tests.bench.faults import faults


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_kills_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    crash_main(["--kills", "2", "--seed", "3"])
    assert "\n| all | | 2 |" in capsys.readouterr().out


def test_power_cuts_are_counted() -> None:
    table = faults(2, step=60)
    assert table.count("| 2 | 2 |") == 5
    assert "| at every byte | " in table
