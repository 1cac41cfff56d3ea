"""What docstrings, comments and the READMEs name is there: modules by their dotted name, files by their path."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

from tests.house.mentions import definitions
from tests.house.source import ROOT, Source, report, sources, sources_of_tests

TOPS = "ledger|projections|vectordb|tests"
DOTTED = re.compile(rf"``((?:{TOPS})(?:\.\w+)+)")
PATH = re.compile(rf"(?<![\w./-])((?:{TOPS}|replay_fixtures)(?:/[a-z][\w.-]*)*/[a-z][\w.-]*\w)")
SPANS = {"vectordb.as_of", "vectordb.operation.rows"}  # what a tracer is told, not modules
READMES = ("README.md", "replay_fixtures/README.md")


def test_modules_that_prose_names_are_there() -> None:
    broken = [
        f"{source.name}:{line}: {name}"
        for source in (*sources(), *sources_of_tests())
        for line, text in prose(source)
        for name in DOTTED.findall(text)
        if not is_there(name)
    ]
    assert not broken, report(broken)


def test_files_that_prose_names_are_there() -> None:
    told = [(source.name, text) for source in (*sources(), *sources_of_tests()) for _, text in prose(source)]
    told += [(name, (ROOT / name).read_text("utf-8")) for name in READMES]
    broken = [f"{name}: {path}" for name, text in told for path in PATH.findall(text) if not exists(path)]
    assert not broken, report(broken)


def prose(source: Source) -> Iterator[tuple[int, str]]:
    """Docstrings and comments, with their lines."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield getattr(node, "lineno", 1), ast.get_docstring(node, clean=False) or ""
    yield from source.comments.items()


def is_there(name: str) -> bool:
    """Whether a dotted name is a module or package, or something that one of them defines or shows at its door."""
    if name in modules() or name in SPANS:
        return True
    module, _, last = name.rpartition(".")
    return module in modules() and last in names_of(module)


@cache
def modules() -> dict[str, Source]:
    return {source.module: source for source in (*sources(), *sources_of_tests())}


@cache
def names_of(module: str) -> frozenset[str]:
    source = modules()[module]
    shown = {
        alias.asname or alias.name
        for node in source.tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    return frozenset(found.name for found in definitions(source)) | shown


def exists(path: str) -> bool:
    return (ROOT / path).exists() or (ROOT / f"{path}.py").exists()
