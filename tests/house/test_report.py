"""Only a whole run writes pytest_results.json, and what it writes tells nothing of the machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.source import ROOT

pytest.importorskip("pytest_jsonreport")

SUITE = """
import json, os, warnings
import pytest

def test_passes(): print("noise")
def test_skips(): pytest.skip("no judge")
def test_fails(): json.loads(os.getcwd())
def test_warns(): warnings.warn(os.path.abspath(__file__))
"""
WHOLE = [[], ["."], ["tests"], ["--ff", "-v"]]
RESTRICTED = [
    ["tests/test_few.py"],
    ["tests/test_few.py::test_passes"],
    ["-k", "test_"],
    ["-m", "not slow"],
    ["--lf"],
    ["-x"],
    ["--maxfail=1"],
    ["--collect-only"],
    ["--deselect", "tests/test_few.py::test_fails"],
    ["--ignore", "tests/other"],
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "tests").mkdir()
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path / "tests")
    (tmp_path / "tests" / "test_few.py").write_text(SUITE)
    (tmp_path / "pyproject.toml").write_text('[tool.pytest.ini_options]\ntestpaths = ["tests"]\n')
    return tmp_path


def run(project: Path, *arguments: str, plugin: bool = True) -> subprocess.CompletedProcess[str]:
    reporting = ["-p", "pytest_jsonreport.plugin", "--json-report", "--json-report-file=pytest_results.json"]
    command = [sys.executable, "-m", "pytest", "-q", *(reporting if plugin else ()), *arguments]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "COVERAGE_"))}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # importing the other plugins takes a second
    return subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("arguments", WHOLE, ids=" ".join)
def test_a_whole_run_writes_it(project: Path, arguments: list[str]) -> None:
    done = run(project, *arguments)
    text = (project / "pytest_results.json").read_text()
    report = json.loads(text)
    assert done.returncode == 1, done.stdout + done.stderr
    assert {name: report["summary"][name] for name in ("passed", "skipped", "failed")} == {
        "passed": 2,
        "skipped": 1,
        "failed": 1,
    }
    assert len(report["tests"]) == 4
    for private in (str(project), sys.prefix, sys.base_prefix, "noise", "keywords", '"root"', "collectors"):
        assert private not in text
    assert "tests/test_few.py" in text
    assert ".../decoder.py" in text, "the traceback into the standard library is kept, without its folders"


@pytest.mark.parametrize("arguments", RESTRICTED, ids=" ".join)
def test_a_restricted_run_leaves_it(project: Path, arguments: list[str]) -> None:
    kept = project / "pytest_results.json"
    kept.write_text("as it was")
    done = run(project, *arguments)
    assert kept.read_text() == "as it was"
    assert "left as it was" in done.stdout, done.stdout + done.stderr


def test_a_broken_file_is_reported(project: Path) -> None:
    (project / "tests" / "test_broken.py").write_text("import nowhere_to_be_found\n")
    kept = project / "pytest_results.json"
    kept.write_text("as it was")
    run(project)
    assert kept.read_text() == "as it was", "nothing ran"
    run(project, "--continue-on-collection-errors")
    report = json.loads(kept.read_text())
    assert report["summary"]["passed"] == 2
    assert [c["nodeid"] for c in report["collectors"]] == ["tests/test_broken.py"]
    assert str(project) not in kept.read_text()


def test_another_file_may_be_written_by_any_run(project: Path) -> None:
    run(project, "-k", "test_passes", "--json-report-file=other.json")
    assert json.loads((project / "other.json").read_text())["summary"]["passed"] == 1
    assert not (project / "pytest_results.json").exists()


def test_it_works_without_the_plugin(project: Path) -> None:
    done = run(project, plugin=False)
    assert "1 failed, 2 passed, 1 skipped" in done.stdout, done.stdout + done.stderr
