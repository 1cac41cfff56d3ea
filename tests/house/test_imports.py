"""Imports run one way, through each package's door, and only to the standard library."""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Iterator

from tests.house.source import PACKAGES, ROOT, Source, exported, imports, nodes, report, sources

MAY_IMPORT = {"ledger": set(), "projections": {"ledger"}, "vectordb": {"ledger", "projections"}}

# Loading never runs code or imports by name: these have no place at all,
NEVER_MODULES = {"pickle", "_pickle", "marshal", "shelve"}
NEVER_NAMES = {"eval"}
# and these only in the files named here.
RESTRICTED = {"exec", "compile", "__import__", "importlib", "runpy", "imp"}
ALLOWED = {
    "ledger/values/layout.py": {"exec", "compile"},  # builds one packer per row layout, from its own text
    "vectordb/transforms/fused.py": {"exec", "compile"},  # arithmetic from templates of its own; data is constants
}


def test_the_three_packages_are_there() -> None:
    assert [package for package in PACKAGES if (ROOT / package / "__init__.py").is_file()] == list(PACKAGES)


def test_imports_run_one_way() -> None:
    broken = [
        source.at(node, f"{source.top} imports {top}")
        for source, node, top, _module, _name in foreign_imports()
        if top not in MAY_IMPORT[source.top]
    ]
    assert not broken, report(broken)


def test_packages_meet_only_at_their_doors() -> None:
    doors = {package: exported(package) for package in PACKAGES}
    broken = []
    for source, node, top, module, name in foreign_imports():
        if name is None or module != top:
            broken.append(source.at(node, f"write `from {top} import ...`, not {module}"))
        elif name not in doors[top]:
            broken.append(source.at(node, f"{name} is not in {top}.__all__"))
    assert not broken, report(broken)


def test_nothing_third_party_is_imported_with_a_module() -> None:
    known = sys.stdlib_module_names | set(PACKAGES)
    inside = {id(node) for source in sources() for node in inside_functions(source.tree)}
    broken = [
        source.at(node, f"{module} at module level")
        for source, node, module, _name in imports()
        if module.partition(".")[0] not in known and id(node) not in inside
    ]
    assert not broken, report(broken)


def test_nothing_that_runs_data_as_code() -> None:
    broken = []
    for source, node, word in dangerous_words():
        if word in NEVER_MODULES | NEVER_NAMES:
            broken.append(source.at(node, f"{word} is never used"))
        elif word not in ALLOWED.get(source.name, set()):
            broken.append(source.at(node, f"{word} is not allowed here (see ALLOWED)"))
    assert not broken, report(broken)


def test_the_allowances_are_needed() -> None:
    used = {(source.name, word) for source, _node, word in dangerous_words()}
    idle = [(name, word) for name, words in ALLOWED.items() for word in words if (name, word) not in used]
    assert not idle, f"allowed, and not used: {idle}"


def foreign_imports() -> Iterator[tuple[Source, ast.AST, str, str, str | None]]:
    """Imports of one of our packages by another: (file, node, package, module, name)."""
    for source, node, module, name in imports():
        top = module.partition(".")[0]
        if top in PACKAGES and top != source.top:
            yield source, node, top, module, name


def dangerous_words() -> Iterator[tuple[Source, ast.AST, str]]:
    """Every import of a listed module and every mention of a listed builtin."""
    modules = NEVER_MODULES | RESTRICTED
    for source, node, module, _name in imports():
        if module.partition(".")[0] in modules:
            yield source, node, module.partition(".")[0]
    words = {word for word in NEVER_NAMES | RESTRICTED if hasattr(builtins, word)}
    for source, node in nodes(ast.Name, ast.Attribute):
        if isinstance(node, ast.Name) and node.id in words:
            yield source, node, node.id
        elif isinstance(node, ast.Attribute) and node.attr in words and is_builtins(node.value):
            yield source, node, node.attr


def is_builtins(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in {"builtins", "__builtins__"}


def inside_functions(tree: ast.Module) -> Iterator[ast.AST]:
    """The nodes that run only when a function is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for statement in node.body:
                yield from ast.walk(statement)
