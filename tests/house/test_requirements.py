"""The README's table of what was asked names tests that exist."""

from __future__ import annotations

import ast
import re

import pytest

from tests.house.source import ROOT

HEADING = "## What was asked"


def rows() -> list[tuple[str, list[str]]]:
    """What was asked, and the tests that show it."""
    section = (ROOT / "README.md").read_text("utf-8").partition(f"\n{HEADING}\n")[2].partition("\n## ")[0]
    cells = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| ")]
    return [(asked.strip(), re.findall(r"`(tests/[^`]+)`", shown)) for asked, shown in cells[1:]]


def test_everything_asked_has_a_test() -> None:
    assert len(rows()) > 25
    assert [asked for asked, tests in rows() if not tests] == []


@pytest.mark.parametrize("named", sorted({test for _, tests in rows() for test in tests}))
def test_the_named_test_exists(named: str) -> None:
    path, _, function = named.partition("::")
    file = ROOT / path
    assert file.exists(), named
    if function:
        tree = ast.parse(file.read_text("utf-8"))
        assert function in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, named
