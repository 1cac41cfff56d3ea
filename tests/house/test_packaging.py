"""What a wheel is made of: one version, markers of types, no dependency. CI builds and tries one."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, version

import pytest

import vectordb
from tests.house import typed
from tests.house.source import PACKAGES, ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def test_the_version_stands_in_one_place() -> None:
    project = PROJECT["project"]
    assert project["dynamic"] == ["version"] and "version" not in project
    assert PROJECT["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "vectordb.release.RELEASE"}
    assert re.fullmatch(r"\d+\.\d+\.\d+", vectordb.__version__)
    try:
        assert version("vectordb") == vectordb.__version__
    except PackageNotFoundError:
        pytest.skip("not installed")


def test_the_changes_tell_of_this_version() -> None:
    changes = (ROOT / "README.md").read_text("utf-8").partition("\n## Changes\n")[2]
    assert re.search(rf"^\*\*{re.escape(vectordb.__version__)}\*\*", changes, re.MULTILINE)


def test_nothing_is_needed_at_run_time() -> None:
    assert PROJECT["project"]["dependencies"] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_types_are_told(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()


def test_a_typed_program_runs() -> None:
    typed.main()
