"""An interpreter that ends while others hold our tables ends well: six rules (``vectordb.interop.c_data.lifetime``)."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pytest

from tests.house.source import ROOT

STORY = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from tests.vectordb.interop.stories import IDS, make
db, view = make()
matrix = view.get_many(IDS, ["trips", "rating"])
vectors = view.get_many(["d-1", "d-3"]).vectors("profile")
"""
CAPSULES = "capsules = [view.__arrow_c_stream__(), matrix.__dlpack__(), *view.table().__arrow_c_array__()]\n"
KEEP = {
    "": "",
    "numpy": "import numpy; kept = [numpy.asarray(matrix), numpy.from_dlpack(matrix), numpy.from_dlpack(vectors)]",
    "pyarrow": """
import pyarrow
kept = [pyarrow.table(one) for one in (view, matrix, view.history("d-1"), db.events(), view.table())]
kept += [pyarrow.array(vectors), pyarrow.RecordBatchReader.from_stream(db.events()), kept[0].column("profile")]
""",
    "polars": "import polars; kept = [polars.DataFrame(view), polars.DataFrame(matrix), polars.Series(vectors)]",
    "duckdb": "import duckdb; kept = [duckdb.sql('from view'), duckdb.sql('from matrix').fetchall()]",
    "pandas": "import pandas, pyarrow; kept = [pandas.DataFrame.from_arrow(view), pandas.DataFrame.from_arrow(matrix)]",
    "torch": "import torch; kept = [torch.from_dlpack(matrix), torch.from_dlpack(vectors)]",
    "jax": "import jax; kept = [jax.numpy.from_dlpack(vectors)]",
}
# Kept where only the end of the interpreter lets go: in a module, in a cycle, in builtins.
OWN = "from vectordb.interop.c_data import capsules as made; made.loaded_pyarrow = made.loaded_numpy = lambda: None\n"
KEEP["pyarrow, own"] = OWN + KEEP["pyarrow"]
HIDE = """
import builtins, types
builtins.kept_too = (capsules, list(globals().get("kept", [])))
cycle = types.SimpleNamespace(kept=builtins.kept_too)
cycle.itself = cycle
"""


@pytest.mark.parametrize("library", KEEP)
def test_the_interpreter_ends_with_tables_still_alive(library: str) -> None:
    """With structs of ctypes where the library has not been loaded, or (``own``) where it has; else with its own."""
    library, _, own = library.partition(", ")
    needed = [library, "pyarrow"] if library == "pandas" else [library] if library else []
    if not all(map(importlib.util.find_spec, needed)):
        pytest.skip(f"{library} is not there")
    code = STORY + KEEP[f"{library}, {own}" if own else library] + "\n" + CAPSULES + HIDE
    # A tracer of coverage would be called by our callbacks after it was torn down itself, and crash there.
    env = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False, env=env
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
