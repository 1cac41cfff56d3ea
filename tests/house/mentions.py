"""Definitions, and where else a name is mentioned: what tells that something is there for nobody."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

from tests.house.source import Source

Statement = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign
Function = ast.FunctionDef | ast.AsyncFunctionDef


class Definition(NamedTuple):
    """A function, class or constant of a module, or a method of one of its classes."""

    source: Source
    node: Statement
    name: str
    owner: str = ""  # the class of a method

    @property
    def place(self) -> str:
        """Where it stands, and its name."""
        return self.source.at(self.node, ".".join(filter(None, [self.owner, self.name])))


class Mentions:
    """Every place of some files where code names something: not in prose, nor in ``__all__``, nor at a door."""

    def __init__(self, files: Iterable[Source]) -> None:
        self._places: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for source in files:
            for name, line in _mentioned(source):
                self._places[name].append((source.name, line))

    def elsewhere(self, found: Definition) -> bool:
        """Whether a line that is not of the definition itself names it; a method of the same name is as good."""
        own = range(found.node.lineno, (found.node.end_lineno or found.node.lineno) + 1)
        return any(name != found.source.name or line not in own for name, line in self._places.get(found.name, ()))


@cache
def _mentioned(source: Source) -> tuple[tuple[str, int], ...]:
    return tuple(_walk(source))


def _walk(source: Source) -> Iterator[tuple[str, int]]:
    listed = {id(part) for statement in source.tree.body if _is_all(statement) for part in ast.walk(statement)}
    for node in ast.walk(source.tree):
        if id(node) in listed:
            continue
        if isinstance(node, ast.Name):
            yield node.id, node.lineno
        elif isinstance(node, ast.Attribute):
            yield node.attr, node.end_lineno or node.lineno
        elif isinstance(node, ast.alias) and (node.asname or not source.name.endswith("__init__.py")):
            yield node.name, node.lineno
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg, node.lineno
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"[\w.]+", node.value):
            yield from ((name, node.lineno) for name in node.value.split("."))


def _is_all(statement: ast.stmt) -> bool:
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets)


def definitions(source: Source) -> Iterator[Definition]:
    """Those of a module, and the methods of its classes; what Python itself calls (``__len__``) is left out."""
    for node in source.tree.body:
        yield from _named(source, node)
        if isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, Function) and not _is_special(inner.name):
                    yield Definition(source, inner, inner.name, node.name)


def _named(source: Source, node: ast.stmt) -> Iterator[Definition]:
    if isinstance(node, Function | ast.ClassDef):
        yield Definition(source, node, node.name)
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            if isinstance(target, ast.Name) and not _is_special(target.id):
                yield Definition(source, node, target.id)


def _is_special(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")
