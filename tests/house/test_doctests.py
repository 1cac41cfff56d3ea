"""The examples in the docstrings of the three packages run."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

from tests.house.source import sources

MODULES = [source.module for source in sources() if not source.module.endswith("__main__")]
FLAGS = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module(name)
    monkeypatch.chdir(tmp_path)
    output: list[str] = []
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    for example in doctest.DocTestFinder(exclude_empty=True).find(module, name):
        runner.run(example, out=output.append)
    assert not runner.failures, "".join(output)
