"""What the tests themselves must be: each can fail, and each file says what it is for."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache

from tests.house.source import Source, report, sources, sources_of_tests

Function = ast.FunctionDef | ast.AsyncFunctionDef
FAILING = {"raises", "warns", "fail"}  # of pytest
MERELY_RUN = {"test_a_typed_program_runs"}  # a checker of types has read what it asserts
RUNNING = {"exec"}  # the examples of a text run, and fail by themselves


def test_every_test_can_fail() -> None:
    """By an assertion of its own, or by a helper that has one; a helper is known by its name."""
    broken = [
        source.at(test, f"{test.name} asserts nothing")
        for source in sources_of_tests()
        for test in functions(source)
        if test.name.startswith("test")
        and test.name not in MERELY_RUN
        and not fails_itself(test)
        and not called(test) & asserting()
    ]
    assert not broken, report(broken)


@cache
def asserting() -> frozenset[str]:
    """Names of the helpers that assert, and of those that call one of them."""
    helpers: dict[str, list[Function]] = defaultdict(list)
    for source in sources_of_tests():
        for function in functions(source):
            helpers[function.name].append(function)
    calls = {name: {call for one in found for call in called(one)} for name, found in helpers.items()}
    found = {name for name, functions in helpers.items() if any(map(fails_itself, functions))} | RUNNING
    grown = True
    while grown:
        more = {name for name, names in calls.items() if name not in found and names & found}
        grown, found = bool(more), found | more
    return frozenset(found)


def functions(source: Source) -> Iterator[Function]:
    return (node for node in ast.walk(source.tree) if isinstance(node, Function))


@cache
def fails_itself(function: Function) -> bool:
    """Whether it asserts something, or asks pytest, a process or the invariants of what it made to."""
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
    return (
        any(isinstance(node, ast.Assert) for node in ast.walk(function))
        or bool(called(function) & FAILING)
        or any(isinstance(call.func, ast.Attribute) and call.func.attr == "check" for call in calls)
        or any(
            keyword.arg == "check" and ast.unparse(keyword.value) == "True"
            for call in calls
            for keyword in call.keywords
        )
    )


@cache
def called(function: Function) -> frozenset[str]:
    """Names of the functions that it calls; of methods only those that the packages have none of that name."""
    calls = [node.func for node in ast.walk(function) if isinstance(node, ast.Call)]
    plain = {call.id for call in calls if isinstance(call, ast.Name)}
    return frozenset(plain | {call.attr for call in calls if isinstance(call, ast.Attribute)} - methods())


@cache
def methods() -> frozenset[str]:
    """Names of all functions and methods of the packages: calling one asserts nothing."""
    return frozenset(function.name for source in sources() for function in functions(source))


def test_every_file_of_tests_says_what_it_is_for() -> None:
    bare = [source.name for source in sources_of_tests() if not ast.get_docstring(source.tree)]
    assert not bare, report(bare)


def test_every_folder_of_tests_is_a_package() -> None:
    """So that helpers are imported by one name, and its docstring says what it is for."""
    folders = {source.name.rpartition("/")[0] for source in sources_of_tests()}
    bare = folders - {source.name.removesuffix("/__init__.py") for source in sources_of_tests()}
    assert not bare, report(sorted(bare))
