"""What is public is listed, documented, and named in the README; and the README names nothing else."""

from __future__ import annotations

import ast
import builtins
import importlib
import inspect
import re
import textwrap
import types
from collections.abc import Iterator
from typing import Any

import pytest

import ledger
from tests.house.source import ROOT, exported, report, sources

HEADING = "## Public names"
METHODS = (types.FunctionType, property, classmethod, staticmethod)
PARTS = ("transforms", "audit", "lineage", "what_if", "interop", "serving", "observability", "exporting")
OPEN = ("vectordb", *(f"vectordb.{part}" for part in PARTS))  # whose names users import
DOORS = [source.module for source in sources() if source.name.endswith("/__init__.py")]


def public_names() -> str:
    """The section of the README that lists the public names."""
    _before, found, rest = (ROOT / "README.md").read_text("utf-8").partition(f"\n{HEADING}\n")
    assert found, f"README.md has no section {HEADING!r}"
    return re.split(r"^#{1,2} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


@pytest.mark.parametrize("package", DOORS)
def test_every_door_lists_what_it_opens(package: str) -> None:
    door = importlib.import_module(package)
    names = getattr(door, "__all__", None)
    assert names is not None, f"{package} has no __all__"
    assert len(names) == len(set(names)), f"{package}.__all__ repeats a name"
    absent = [name for name in names if not hasattr(door, name)]
    assert not absent, f"in {package}.__all__ and not there: {absent}"
    assert exported(package.replace(".", "/")) == set(names), f"{package}.__all__ is not one literal list"


def test_the_readme_names_everything_public() -> None:
    section = public_names()
    absent = [name for name in sorted(public()) if not re.search(rf"`{name}\b", section)]
    assert not absent, f"in __all__ of {OPEN} and not under {HEADING!r}: {absent}"


def test_the_readme_names_only_what_is_public() -> None:
    named = set(re.findall(r"`([A-Z]\w*)`", public_names()))
    stale = sorted(named - public() - set(dir(builtins)))
    assert not stale, f"under {HEADING!r} and not in __all__ of {OPEN}: {stale}"


def public() -> set[str]:
    """The names of every door that users come through."""
    return {name for package in OPEN for name in exported(package.replace(".", "/"))}


@pytest.mark.parametrize("package", ["ledger", "projections", *OPEN])
def test_everything_public_has_a_docstring(package: str) -> None:
    door = importlib.import_module(package)
    bare = []
    for name in door.__all__:
        value = getattr(door, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            bare += [path for path, member in documentable(name, value) if not own_docstring(member)]
    assert not bare, report(bare)


def test_errors_are_named() -> None:
    """By the docstring of the function, or of its class; what is raised deeper down nobody can tell from here."""
    broken, seen = [], set()
    for package in OPEN:
        door = importlib.import_module(package)
        for name in exported(package.replace(".", "/")):
            for path, member in documentable(name, getattr(door, name)):
                function = function_of(member)
                if function is None or function in seen:
                    continue
                seen.add(function)
                told = f"{inspect.getdoc(member)} {inspect.getdoc(getattr(door, name))}"
                silent = [error.__name__ for error in raised(function) if not is_named(error, told)]
                broken += [f"{path} raises {', '.join(sorted(silent))}"] if silent else []
    assert not broken, report(sorted(broken))


def function_of(member: Any) -> types.FunctionType | None:
    """The function behind a function, method or property; None for a class."""
    found = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
    found = inspect.unwrap(found) if callable(found) else found
    return found if isinstance(found, types.FunctionType) else None


def raised(function: types.FunctionType) -> set[type]:
    """Our errors that stand in its own ``raise`` statements."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    calls = [node.exc.func for node in ast.walk(tree) if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)]
    found = {getattr(ledger, call.id, None) for call in calls if isinstance(call, ast.Name)}
    return {error for error in found if isinstance(error, type) and issubclass(error, ledger.VectorDBError)}


def is_named(error: type, text: str) -> bool:
    """Whether a text names the error, or a kind of error that it is."""
    return any(re.search(rf"\b{kind.__name__}\b", text) for kind in error.__mro__ if kind is not object)


def test_every_module_has_a_docstring() -> None:
    bare = [source.name for source in sources() if not ast.get_docstring(source.tree)]
    assert not bare, report(bare)


def documentable(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """A public function or class, and the public methods and properties that the class itself defines."""
    yield name, value
    if inspect.isclass(value):
        for member_name, member in vars(value).items():
            if not member_name.startswith("_") and isinstance(member, METHODS):
                yield f"{name}.{member_name}", getattr(value, member_name)


def own_docstring(member: Any) -> bool:
    """Whether someone wrote one: dataclasses and named tuples make up a signature."""
    text = inspect.getdoc(member) or ""
    return bool(text) and not (inspect.isclass(member) and text.startswith(f"{member.__name__}("))
