"""The same bits on every Python: a stored state, compared by hex with what other interpreters compute."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.replay.fixtures import ROOT, V1, expected

NAMES = ("all_types", "prediction")
TELL = """
import json, sys
from pathlib import Path
from tests.replay.stories_of_audit import STORIES
from vectordb.testing import assert_story, record_story
folder, out = Path(sys.argv[1]), Path(sys.argv[2])
for name in sys.argv[3:]:
    assert_story(folder / name)
    told = STORIES[name]()
    record_story(told.db, out / name, told.at)
print(json.dumps(list(sys.version_info[:3])))
"""
VERSION = "import sys; print(*sys.version_info[:2], sys.implementation.name)"


@cache
def other_pythons() -> tuple[str, ...]:
    """Every other interpreter of 3.11 or later on this machine, one of each version."""
    places = [*Path.home().glob(".pyenv/versions/*/bin/python")]
    for folder in os.get_exec_path():
        places += [Path(folder) / f"python3.{minor}" for minor in range(11, 20)]
    found = {version_of(str(place)): str(place) for place in places if os.access(place, os.X_OK)}
    here = (sys.version_info[0], sys.version_info[1], sys.implementation.name)
    return tuple(path for version, path in sorted(found.items()) if version >= (3, 11) and version != here)


def version_of(path: str) -> tuple[int, int, str]:
    """Version and implementation of an interpreter; zeros where it does not run."""
    done = subprocess.run([path, "-I", "-S", "-c", VERSION], capture_output=True, text=True, timeout=60, check=False)
    parts = done.stdout.split()
    return (int(parts[0]), int(parts[1]), parts[2]) if done.returncode == 0 and len(parts) == 3 else (0, 0, "")


@pytest.mark.parametrize("name", NAMES)
def test_the_stored_states_hold_floats_as_hex(name: str) -> None:
    text = json.dumps(expected(name))
    assert text.count("0x1.") > 10


def test_every_other_python_replays_and_builds_the_same_bits(tmp_path: Path) -> None:
    pythons = other_pythons()
    if not pythons:
        pytest.skip("no other Python of 3.11 or later here")
    for number, python in enumerate(pythons):
        out = tmp_path / str(number)
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "7"}
        command = [python, "-s", "-c", TELL, str(V1), str(out), *NAMES]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, f"{python}: {done.stderr[-2000:]}"
        assert json.loads(done.stdout) >= [3, 11]
        for name in NAMES:
            for file in ("events.jsonl", "expected.json"):
                assert (out / name / file).read_bytes() == (V1 / name / file).read_bytes(), f"{python}: {name}/{file}"
