"""No third-party package at run time, ever: every module is imported, and the whole is used, in an
interpreter without site-packages that refuses every other import."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.house.source import PACKAGES, ROOT, sources

STORY = ROOT / "replay_fixtures" / "v1" / "digits" / "events.jsonl"

# The standard library itself tries a few foreign names (copy asks for Jython): those are refused, and only
# what our own code asks for is held against us.
GUARD = f"""
import sys
OURS = {PACKAGES!r}
asked = []

def asked_by():
    frame = sys._getframe(2)  # 0 is here, 1 is find_spec
    while frame and frame.f_globals.get("__name__", "").startswith(("importlib", "_frozen_importlib")):
        frame = frame.f_back
    return frame.f_globals.get("__name__", "") if frame else ""

class Refuse:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names or top in OURS:
            return None
        if asked_by().partition(".")[0] in (*OURS, "__main__"):
            asked.append(f"{{asked_by()}} asked for {{name}}")
        raise ModuleNotFoundError(f"refused: {{name}}", name=name)

sys.meta_path.insert(0, Refuse())
sys.path.insert(0, {str(ROOT)!r})
"""

VERDICT = """
foreign = [n for n in sys.modules if n.partition(".")[0] not in (*sys.stdlib_module_names, *OURS, "__main__")]
assert not asked and not foreign, (asked, foreign)
"""

USE = """
import os
import tempfile
from vectordb import Category, Float, Int, Request, Vector, VectorDB

folder = tempfile.mkdtemp()
copy = os.path.join(folder, "copy.jsonl")

with VectorDB() as db:
    drivers = db.create_view("drivers", entity="driver", ttl=86_400, features={
        "trips": Int(default=0), "rating": Float(), "city": Category(), "profile": Vector(2)})
    first = drivers.put("d-7", {"trips": 12, "rating": 4.9, "city": "Rome", "profile": [1.0, 2.0]})
    drivers.put_many({"driver": ["d-7", "d-8"], "trips": [13, 1]})
    assert drivers.get("d-7")["trips"] == 13 and drivers.get("d-7")["rating"] == 4.9
    assert db.as_of(first.offset).view("drivers").get("d-7")["trips"] == 12
    assert db.version(f"drivers/d-7@{first.offset}")["trips"] == 12
    assert len(list(drivers.history("d-7"))) == 2
    drivers.get_many(["d-7", "d-8", "nobody"], features=["trips", "rating"])

    ranker = db.create_service("ranker", features=[
        "drivers:trips", "drivers:rating", Request("distance_km", Float())])
    row = ranker.get("d-7", request={"distance_km": 3.1})
    prediction = db.record_prediction(row, model="gbm@3", output=0.81)
    drivers.delete("d-8")
    assert not drivers.get("d-8").found and "d-7" in drivers
    assert db.reproduce(prediction.id) is not None

    branch = db.fork(first.offset)
    branch.view("drivers").put("d-9", {"trips": 1})
    assert "d-9" in branch.view("drivers") and "d-9" not in drivers

    db.snapshot(copy)
    assert VectorDB.replay(copy).head == db.head
    with VectorDB.open(copy) as kept:
        kept.view("drivers").put("d-9", {"trips": 2})
        assert kept.head == db.head + 1
for name in os.listdir(folder):
    os.unlink(os.path.join(folder, name))
os.rmdir(folder)
"""

MAIN = f"""
import contextlib, io, runpy
sys.argv = ["vectordb", {str(STORY)!r}]
try:
    with contextlib.redirect_stdout(io.StringIO()):
        runpy.run_module("vectordb", run_name="__main__")
except SystemExit as stop:
    assert not stop.code, stop.code
"""


def run_guarded(script: str) -> None:
    command = [sys.executable, "-I", "-S", "-X", "utf8", "-c", GUARD + script + VERDICT]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_module_imports_alone() -> None:
    modules = [source.module for source in sources() if not source.module.endswith("__main__")]
    assert modules
    run_guarded("import importlib\n" + "".join(f"importlib.import_module({name!r})\n" for name in modules))


def test_the_database_is_used_alone() -> None:
    run_guarded(USE)


@pytest.mark.skipif(not STORY.exists(), reason="the story of the digits is not there")
def test_the_command_runs_alone() -> None:
    run_guarded(MAIN)


def test_the_guard_refuses() -> None:
    with pytest.raises(AssertionError, match="__main__ asked for numpy"):
        run_guarded("try:\n    import numpy\nexcept ImportError:\n    pass\n")
