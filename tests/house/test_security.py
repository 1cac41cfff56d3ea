"""Rules that keep whoever sends bytes out: what code may never do with data, paths, secrets and permissions.

What never runs data as code (``eval``, ``exec``, ``pickle``, imports by name) stands in ``test_imports``.
"""

from __future__ import annotations

import ast
import json
import os
import re
import stat
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from ledger import write_atomically
from tests.house.source import ROOT, Source, report, sources
from vectordb import Category, Float, InvalidInput, VectorDB

# How an object comes back from another process: what an executor of the caller sends to its own workers. Nothing that
# is read from a file is unpickled anywhere (``test_imports``).
REDUCES = {
    "ledger/errors.py",
    "vectordb/batches/dense.py",
    "vectordb/batches/packing.py",
    "vectordb/transforms/base.py",
    "vectordb/transforms/encoding/hasher.py",
    "vectordb/transforms/encoding/one_hot.py",
    "vectordb/transforms/functions/known_functions.py",
    "vectordb/transforms/fused.py",
    "vectordb/transforms/program.py",
    "vectordb/transforms/scaling/normalizer.py",
    "vectordb/transforms/shaping/basis.py",
}
REDUCING = {"__reduce__", "__reduce_ex__", "__setstate__", "__getnewargs__", "__getnewargs_ex__", "copyreg"}
# Modules looked up by a name that is no constant: frames and drivers of packages that the caller has imported.
BY_NAME = {
    "ledger/storage/sql_dialect.py",
    "vectordb/interop/examples.py",
    "vectordb/interop/service_transformer.py",
    "vectordb/transforms/base.py",
}
# Whoever runs other programs, opens sockets, or calls C: exchange with other libraries in memory, and nobody else.
NETWORK = {"socket", "ssl", "http.client", "http.server", "ftplib", "smtplib", "socketserver", "xmlrpc", "webbrowser"}
FOREIGN = {"subprocess", "ctypes", "multiprocessing", "pty", *NETWORK}
MAY_BE_FOREIGN = {"vectordb/interop/": {"ctypes"}}
SECRET = re.compile(r"token|secret|password|passwd|credential|bearer|authorization|api_?key", re.IGNORECASE)


@cache
def _nodes() -> dict[type, list[tuple[Source, ast.AST]]]:
    found: dict[type, list[tuple[Source, ast.AST]]] = defaultdict(list)
    for source in sources():
        for node in ast.walk(source.tree):
            found[type(node)].append((source, node))
    return found


def nodes(*kinds: type) -> Iterator[tuple[Source, ast.AST]]:
    """Every node of these kinds in every file; walked once."""
    for kind in kinds:
        yield from _nodes().get(kind, ())


def calls(*names: str) -> Iterator[tuple[Source, ast.Call, str]]:
    """Calls of functions by their last name: (file, call, name)."""
    for source, node in nodes(ast.Call):
        assert isinstance(node, ast.Call)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in names:
            yield source, node, name


def test_nothing_tells_how_it_is_rebuilt_but_what_is_named_here() -> None:
    found = {source.name for source, node in nodes(ast.FunctionDef) if getattr(node, "name", "") in REDUCING}
    assert found <= REDUCES, report(sorted(found - REDUCES))
    assert found == REDUCES, f"allowed, and not needed: {sorted(REDUCES - found)}"


def test_no_module_is_found_by_a_name_from_data() -> None:
    broken, used = [], set()
    for source, node in nodes(ast.Subscript, ast.Call):
        held = node.value if isinstance(node, ast.Subscript) else getattr(getattr(node, "func", None), "value", None)
        if held is None or ast.unparse(held) != "sys.modules":
            continue
        key = node.slice if isinstance(node, ast.Subscript) else node.args[0]
        if not isinstance(key, ast.Constant):
            used.add(source.name)
            if source.name not in BY_NAME:
                broken.append(source.at(node, "sys.modules by a name that is no constant"))
    broken += [source.at(node, "globals() by name") for source, node, _ in calls("globals", "locals")]
    assert not broken, report(broken)
    assert used == BY_NAME, f"allowed, and not needed: {sorted(BY_NAME - used)}"


def test_no_other_program_no_socket_no_c_but_for_exchange() -> None:
    broken = []
    for source, node in nodes(ast.Import, ast.ImportFrom):
        names = [alias.name for alias in getattr(node, "names", ())]
        for name in names if isinstance(node, ast.Import) else [getattr(node, "module", "") or ""]:
            allowed = next((words for place, words in MAY_BE_FOREIGN.items() if source.name.startswith(place)), set())
            if {name, name.partition(".")[0]} & (FOREIGN - allowed):
                broken.append(source.at(node, f"imports {name}"))
    broken += [source.at(node, f"calls {name}") for source, node, name in calls("system", "popen", "execv", "spawnv")]
    assert not broken, report(broken)


def test_secrets_are_compared_in_constant_time() -> None:
    broken = []
    for source, node in nodes(ast.Compare):
        assert isinstance(node, ast.Compare)
        sides = [node.left, *node.comparators]
        named = any(
            SECRET.search(part.id if isinstance(part, ast.Name) else part.attr)
            for side in sides
            for part in [side]
            if isinstance(part, ast.Name | ast.Attribute)
        )
        if named and any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops):
            broken.append(source.at(node, "a secret is compared by hmac.compare_digest"))
    assert not broken, report(broken)
    assert any(source.name == "vectordb/serving/authorization.py" for source, _, _ in calls("compare_digest"))


def test_no_expression_is_made_of_data() -> None:
    """A pattern from data can be one that takes for ever."""
    broken = []
    for source, node, name in calls("compile", "match", "fullmatch", "search", "sub", "split", "findall", "finditer"):
        by_module = isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") == "re"
        if by_module and not isinstance(node.args[0], ast.Constant):
            broken.append(source.at(node, f"re.{name} of something that is no constant"))
    assert not broken, report(broken)


def test_temporary_names_cannot_be_foreseen() -> None:
    broken = []
    for source, node in nodes(ast.JoinedStr):
        text = ast.unparse(node)
        if ".tmp" in text and "urandom" not in text and "token_hex" not in text:
            broken.append(source.at(node, "a temporary name has random bytes"))
    broken += [source.at(node, "mktemp") for source, node, _ in calls("mktemp")]
    assert not broken, report(broken)


def test_no_permission_is_given_to_others() -> None:
    octal = re.compile(r"\b0o([0-7]{3,4})\b")
    broken = [
        f"{source.name}:{number}: {found[0]}"
        for source in sources()
        for number, line in enumerate(source.text.splitlines(), 1)
        for found in [octal.search(line)]
        if found is not None and int(found[1], 8) & 0o022
    ]
    assert not broken, report(broken)


# -- files ---------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="permissions as POSIX has them")
def test_no_file_is_writable_by_others_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with VectorDB.open(tmp_path / "ledger.jsonl") as db:
            db.create_view("v", entity="e", features={"x": Float()}).put("a", {"x": 1.0})
            db.snapshot(tmp_path / "copy.jsonl")
            db.checkpoint(tmp_path / "checkpoint")
            service = db.create_service("s", features=["v:x"])
            prediction = db.record_prediction(service.get("a"), model="m", output=1.0)
            db.audit.kit(prediction.id, tmp_path / "kit.jsonl")
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert {"ledger.jsonl", "copy.jsonl", "checkpoint", "kit.jsonl"} <= modes.keys()
    assert not {name: oct(mode) for name, mode in modes.items() if mode & 0o022}


@pytest.mark.skipif(os.name != "posix", reason="symbolic links")
def test_a_link_in_the_way_is_replaced_and_never_written_through(tmp_path: Path) -> None:
    victim, link = tmp_path / "victim", tmp_path / "copy"
    victim.write_bytes(b"precious")
    link.symlink_to(victim)
    write_atomically(link, iter([b"a snapshot"]))
    assert victim.read_bytes() == b"precious"
    assert not link.is_symlink() and link.read_bytes() == b"a snapshot"
    assert {path.name for path in tmp_path.iterdir()} == {"victim", "copy"}


NAMES = ["../x", "/etc/passwd", "a/b", "a\\b", "..", "C:x", "a\0b", "x.jsonl", "~", "a b", "", "a\n", "ｘ"]


@pytest.mark.parametrize("name", NAMES)
def test_no_name_is_a_path(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with VectorDB() as db:
        view = db.create_view("v", entity="e", features={"x": Float(), "c": Category()})
        made = (
            lambda: db.create_view(name, entity="e", features={"x": Float()}),
            lambda: db.create_view("w", entity=name, features={"x": Float()}),
            lambda: db.create_view("w", entity="e", features={name: Float()}),
            lambda: db.create_service(name, features=["v:x"]),
            lambda: db.create_model(name, "linear", features=["x"], coefficients=[1.0]),
            lambda: db.create_experiment(name, arms={"a": 1.0}, unit="e"),
            lambda: db.create_experiment("y", arms={name: 1.0}, unit="e"),
        )
        head = db.head
        for make in made:
            with pytest.raises(InvalidInput):
                make()
        assert db.head == head
        if name:
            view.put(name, {"x": 1.0, "c": name}, actor=name)
            db.mark(name)
            assert view.get(name)["c"] == name and db.as_of(mark=name).view("v").get(name)["x"] == 1.0
    assert not list(tmp_path.iterdir()), "no name is ever opened"


# -- seeds of hashes -----------------------------------------------------------------------------------

STORY = """
import json, sys
from vectordb import Category, Float, ManualClock, Text, Vector, VectorDB
from vectordb.transforms import ColumnTransformer, CountEncoder, OneHotEncoder, StandardScaler, dumps
clock = ManualClock("2026-01-01T00:00:00Z")
db = VectorDB(clock=clock, seed=3)
features = {"city": Category(), "note": Text(), "x": Float(), "v": Vector(3)}
view = db.create_view("v", entity="user", features=features)
for number in range(60):
    values = {"city": f"c{number % 7}", "note": "n" * number, "x": number / 7, "v": [1, number % 5, number % 3]}
    view.put(f"u{number % 40}", values, tags=["b", "a"])
    clock.advance(1)
view.put_many({"user": [f"u{n}" for n in range(30)], "city": [f"d{n % 4}" for n in range(30)], "x": [1.5] * 30})
parts = [("one", OneHotEncoder(), ["city"]), ("two", StandardScaler(), ["x"]), ("three", CountEncoder(), ["city"])]
service = db.create_service("s", features=["v:city", "v:x"], pipeline=ColumnTransformer(parts))
service.fit()
trial = db.create_experiment("t", arms={"a": 0.5, "b": 0.5}, unit="user", metrics={"m": "sum"})
seen = trial.expose_many([f"u{n}" for n in range(40)])
trial.record_many({"user": [one.unit for one in seen], "value": [n / 3 for n in range(40)]}, metric="m")
prediction = db.record_prediction(service.get("u3"), model="m", output=1.0)
db.erase("v", "u5", reason="asked")
hits = view.search("v", [1, 2, 1], k=9, where={"city": {"$in": ["c1", "d2", "d3"]}})
told = [db.digest(), db.audit.root(), hits.entities, [hit.score for hit in hits]]
told += [trial.analyze("m").to_dict(), view.entities()]
told += [[p.name, p.counts()] for p in db.state.fold.projections], db.lineage.upstream(prediction.id).dot()
told += [p.dump().hex() for p in db.state.fold.projections if p.name != "vectors"]
told += [service.get_many(["u1", "u9"]).to_rows(), {n: repr(s) for n, s in view.statistics().items()}]
print(json.dumps(told, default=repr))
"""


def test_no_result_depends_on_the_seed_of_hashes() -> None:
    found = set()
    for seed in ("1", "4711"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", STORY]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        assert len(json.loads(done.stdout)) > 10
        found.add(done.stdout)
    assert len(found) == 1
