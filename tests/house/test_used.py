"""What is there is there for somebody: no module that nobody imports, no name that nobody mentions."""

from __future__ import annotations

import ast
import importlib
import inspect

from tests.house.mentions import Definition, Mentions, definitions
from tests.house.source import Source, exported, imports, report, sources, sources_of_tests
from tests.house.test_surface import DOORS, OPEN, public

# Whose callers are outside: the command, and what helps users to test.
FOR_USERS = {"vectordb.__main__", "vectordb.testing"}
# Those that tests alone mention. The list may shrink, and never grows.
TESTED_ONLY = {"covariance", "forget_unit", "give_back", "is_on", "kernel", "owned", "scan"}


def test_no_module_is_dead() -> None:
    taken = {module for _, _, module, _ in imports()} | {f"{module}.{name}" for _, _, module, name in imports()}
    dead = {source.module for source in sources()} - taken - set(DOORS) - FOR_USERS
    assert not dead, report(sorted(dead))


def test_no_name_is_dead() -> None:
    """Functions, classes, constants and methods; what users come for by a door needs nobody inside."""
    known, by_code, by_tests = public() | bases(), Mentions(sources()), Mentions(sources_of_tests())
    broken = []
    for found in (found for source in sources() for found in definitions(source)):
        if found.name in known or by_code.elsewhere(found):
            continue
        if not by_tests.elsewhere(found):
            broken.append(f"{found.place} is mentioned nowhere")
        elif found.owner not in known and found.name not in TESTED_ONLY and found.source.module not in FOR_USERS:
            broken.append(f"{found.place} is mentioned by tests alone")
    assert not broken, report(broken)


def bases() -> set[str]:
    """Classes that a public class inherits from: their methods are its own."""
    found = [getattr(importlib.import_module(door), name) for door in OPEN for name in exported(door.replace(".", "/"))]
    return {base.__name__ for one in found if inspect.isclass(one) for base in one.__mro__}


def test_no_helper_of_the_tests_is_dead() -> None:
    by_all = Mentions([*sources(), *sources_of_tests()])
    broken = [
        found.place
        for source in sources_of_tests()
        for found in definitions(source)
        if not found.owner and not is_for_pytest(found) and not by_all.elsewhere(found)
    ]
    assert not broken, report(broken)


def is_for_pytest(found: Definition) -> bool:
    """Whether pytest calls it by its name, or a decorator has taken it somewhere."""
    decorated = not isinstance(found.node, ast.Assign | ast.AnnAssign) and bool(found.node.decorator_list)
    return decorated or found.name.lower().startswith(("test", "pytest_"))


def test_a_dead_name_is_found() -> None:
    text = "def used(): return 1\ndef again(n): return again(n)\nLOST = used()\n__all__ = ['LOST']\n"
    found = [Source("ledger/made_up.py", text)]
    assert [one.name for one in definitions(found[0]) if not Mentions(found).elsewhere(one)] == ["again", "LOST"]
