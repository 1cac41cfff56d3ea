"""Sizes (a ratchet: tighten the numbers, never loosen them) and habits that are not wanted."""

from __future__ import annotations

import ast
import re
import statistics
from fnmatch import fnmatch

from tests.house.source import ROOT, Source, nodes, report, sources

# Functions, in lines of body: from the first statement after the docstring to the last.
MEDIAN_BODY = 5
USUAL_BODY = 13
SHARE_OF_USUAL_BODIES = 0.9
LONG_BODY = 25
SHARE_OF_LONG_BODIES = 0.01
LONGEST_BODY = 40

# Files, in lines.
LONGEST_FILE = 400
USUAL_FILE = 250
SHARE_OF_USUAL_FILES = 0.9

FOLDERS = {"ledger", "projections", "vectordb", "tests", "replay_fixtures"}
FILES = {"pyproject.toml", "README.md", "LICENSE", "pytest_results.json"}
GENERATED = ("*.egg-info", "build", "dist", "__pycache__", "htmlcov")

# Builtin sum over floats changed in 3.12 and math.sumprod is absent in 3.11. A line that uses one says why
# the bits cannot differ: the values are integers, or they only rank candidates.
SUM_IS_SAFE = re.compile(r"#\s*(ints|ranks only)\b")

MAY_PRINT = {"vectordb/__main__.py"}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b")
MACHINE_PATH = re.compile(r"(?<![\w.~-])/(work|root|home|Users)/\w")


def bodies() -> list[tuple[int, str]]:
    """Every function as (lines of body, where), the longest first."""
    found = []
    for source, node in nodes(ast.FunctionDef, ast.AsyncFunctionDef):
        lines = body_lines(node)
        found.append((lines, source.at(node, f"{node.name} has {lines} lines")))
    return sorted(found, reverse=True)


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = function.body
    if ast.get_docstring(function, clean=False) is not None:
        body = body[1:]
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def test_functions_are_short() -> None:
    found = bodies()
    assert statistics.median([lines for lines, _ in found]) <= MEDIAN_BODY
    for most, share in ((USUAL_BODY, 1 - SHARE_OF_USUAL_BODIES), (LONG_BODY, SHARE_OF_LONG_BODIES)):
        longer = [where for lines, where in found if lines > most]
        assert len(longer) <= share * len(found), f"too many functions have over {most} lines: {report(longer)}"


def test_no_function_is_long() -> None:
    broken = [where for lines, where in bodies() if lines > LONGEST_BODY]
    assert not broken, report(broken)


def test_files_hold_one_noun() -> None:
    lengths = {source.name: source.text.count("\n") for source in sources()}
    long = [f"{name} has {lines} lines" for name, lines in lengths.items() if lines > LONGEST_FILE]
    assert not long, report(long)
    unusual = [f"{name} has {lines} lines" for name, lines in lengths.items() if lines > USUAL_FILE]
    assert len(unusual) <= (1 - SHARE_OF_USUAL_FILES) * len(lengths), report(unusual)


def test_nothing_is_left_unfinished() -> None:
    broken = lines_with(UNFINISHED)
    assert not broken, report(broken)


def test_no_path_of_a_machine() -> None:
    broken = lines_with(MACHINE_PATH)
    broken += [
        f"{name}: {line}"
        for name in ("README.md", "pyproject.toml", ".ci/run")
        for line in (ROOT / name).read_text("utf-8").splitlines()
        if MACHINE_PATH.search(line)
    ]
    assert not broken, report(broken)


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{source.name}:{number}: {line.strip()}"
        for source in sources()
        for number, line in enumerate(source.text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_only_the_command_prints() -> None:
    broken = [
        source.at(node, "print")
        for source, node in nodes(ast.Name)
        if node.id == "print" and source.name not in MAY_PRINT
    ]
    assert not broken, report(broken)


def test_no_error_is_swallowed() -> None:
    broken = []
    for source, node in nodes(ast.ExceptHandler, ast.Call):
        if isinstance(node, ast.Call):
            if called(node) == "suppress" and any(catches_all(argument) for argument in node.args):
                broken.append(source.at(node, "suppresses every error"))
        elif node.type is None:
            broken.append(source.at(node, "bare except"))
        elif catches_all(node.type) and does_nothing(node.body):
            broken.append(source.at(node, "swallows every error"))
    assert not broken, report(broken)


def catches_all(kind: ast.expr) -> bool:
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(isinstance(k, ast.Name) and k.id in {"Exception", "BaseException"} for k in kinds)


def does_nothing(body: list[ast.stmt]) -> bool:
    """Whether a handler only passes, or gives a constant, as if nothing had happened."""
    return all(
        isinstance(statement, ast.Pass | ast.Continue | ast.Break)
        or (isinstance(statement, ast.Expr | ast.Return) and is_constant(statement.value))
        for statement in body
    )


def is_constant(value: ast.expr | None) -> bool:
    return value is None or isinstance(value, ast.Constant)


def called(node: ast.Call) -> str:
    return getattr(node.func, "id", None) or getattr(node.func, "attr", "")


def test_sums_have_the_same_bits_on_every_python() -> None:
    broken = [
        source.at(node, "sum: say `# ints` or `# ranks only` on the line, or use math.fsum")
        for source, node in nodes(ast.Name, ast.Attribute, ast.alias)
        if is_unstable_sum(node) and not says_why(source, node)
    ]
    assert not broken, report(broken)


def is_unstable_sum(node: ast.AST) -> bool:
    if isinstance(node, ast.Name):
        return node.id in {"sum", "sumprod"}
    if isinstance(node, ast.Attribute):
        return node.attr == "sumprod"
    return isinstance(node, ast.alias) and node.name == "sumprod"


def says_why(source: Source, node: ast.AST) -> bool:
    return bool(SUM_IS_SAFE.search(source.comments.get(node.lineno, "")))


def test_the_top_level_is_the_agreed_one() -> None:
    present = [path for path in ROOT.iterdir() if not path.name.startswith(".")]
    strange = [
        path.name
        for path in present
        if path.name not in (FOLDERS if path.is_dir() else FILES)
        and not any(fnmatch(path.name, pattern) for pattern in GENERATED)
    ]
    assert not strange, f"not part of the agreed layout: {strange}"
