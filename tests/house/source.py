"""The source files of the three packages and of the tests, as the house rules read them."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("ledger", "projections", "vectordb")


@dataclass(frozen=True)
class Source:
    """One file: `name` relative to the repository, `module` as it is imported."""

    name: str
    text: str

    @property
    def module(self) -> str:
        return self.name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def package(self) -> str:
        """The package that a relative import starts from."""
        return self.module if self.name.endswith("/__init__.py") else self.module.rpartition(".")[0]

    @property
    def top(self) -> str:
        return self.name.partition("/")[0]

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.name)

    @cached_property
    def comments(self) -> dict[int, str]:
        """Line number to the comment on it."""
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        return {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}

    def at(self, node: ast.AST, why: str) -> str:
        return f"{self.name}:{getattr(node, 'lineno', 1)}: {why}"


@cache
def sources() -> tuple[Source, ...]:
    """Every Python file of the three packages, in order of name."""
    return tuple(source for package in PACKAGES for source in _below(package))


@cache
def sources_of_tests() -> tuple[Source, ...]:
    """Every Python file of the tests, in order of name."""
    return tuple(_below("tests"))


def _below(folder: str) -> Iterator[Source]:
    for path in sorted((ROOT / folder).rglob("*.py")):
        yield Source(path.relative_to(ROOT).as_posix(), path.read_text("utf-8"))


def nodes(*kinds: type) -> Iterator[tuple[Source, ast.AST]]:
    """Every node of these kinds in every file."""
    for source in sources():
        for node in ast.walk(source.tree):
            if isinstance(node, kinds):
                yield source, node


def imported(source: Source, node: ast.Import | ast.ImportFrom) -> list[tuple[str, str | None]]:
    """What one statement imports, as (absolute module, name or None for the module itself)."""
    if isinstance(node, ast.Import):
        return [(alias.name, None) for alias in node.names]
    module = node.module or ""
    if node.level:
        parts = source.package.split(".")
        module = ".".join([*parts[: len(parts) - node.level + 1], *filter(None, [module])])
    return [(module, alias.name) for alias in node.names]


def imports() -> Iterator[tuple[Source, ast.AST, str, str | None]]:
    """Every import at any depth, `TYPE_CHECKING` included: (file, node, absolute module, name or None)."""
    for source, node in nodes(ast.Import, ast.ImportFrom):
        for module, name in imported(source, node):
            yield source, node, module, name


def exported(package: str) -> frozenset[str]:
    """The `__all__` of a package, read without importing it."""
    tree = ast.parse((ROOT / package / "__init__.py").read_text("utf-8"))
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            return frozenset(ast.literal_eval(node.value))
    return frozenset()


def report(broken: list[str]) -> str:
    """What an assertion shows: one broken place a line."""
    return f"{len(broken)} broken:\n" + "\n".join(broken)
