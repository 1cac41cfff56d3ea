"""``python -m vectordb PATH``: the report and its exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.replay.broken_ledger import Sealed
from tests.replay.damaged_definitions import SERVICE
from tests.replay.damaged_pipelines import FITTED, LEARNT
from tests.replay.fixtures import EVENTS, ROOT, V1
from tests.vectordb.world import FULL, World
from vectordb.__main__ import main
from vectordb.report import replay_report

DIGITS = V1 / "digits"


def ledger(path: Path, output: float | None = None) -> Path:
    world = World(path=path)
    world.put("d", **FULL)
    service = world.db.create_service("s", features=["drivers:trips"])
    world.db.create_model("m", "linear", features=["trips"], coefficients=[0.1])
    world.db.record_prediction(service.get("d"), model="m", output=output)
    world.db.record_prediction(service.get("d"), model="elsewhere@1", output="x")
    world.db.close()
    return path


def run(arguments: list[str], capsys: Any) -> tuple[int, str, str]:
    code = main(arguments)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_sound_ledger_gives_a_report_and_zero(tmp_path: Path, capsys: Any) -> None:
    path = ledger(tmp_path / "ledger.jsonl")
    code, out, err = run([str(path)], capsys)
    report = json.loads(out)
    assert (code, err, report["ok"]) == (0, "", True)
    assert report["events"] == 6 == report["head"]["offset"] and len(report["head"]["digest"]) == 64
    assert {"catalog", "lineage", "predictions"} <= set(report["projections"])
    assert report["projections"]["predictions"] == {"predictions": 2}
    predictions = report["predictions"]
    assert (predictions["recorded"], predictions["inputs_reproduced"]) == (2, 2)
    assert (predictions["outputs_reproduced"], predictions["outputs_unchecked"], predictions["drifted"]) == (1, 1, 0)
    assert set(report["seconds"]) == {"replay", "verify", "reproduce"}


def test_a_drifted_output_gives_one_and_the_reason(tmp_path: Path, capsys: Any) -> None:
    code, out, _ = run([str(ledger(tmp_path / "ledger.jsonl", output=0.2))], capsys)
    report = json.loads(out)
    assert code == 1 and not report["ok"] and report["predictions"]["drifted"] == 1
    (drift,) = report["predictions"]["drifts"]
    assert drift["id"] == "s/d@5" and drift["drifted"][0]["name"] == "output"


@pytest.mark.parametrize(("old", "new"), [(b"Rome", b"Bern"), (b'"offset":3', b'"offset":4'), (b'"time"', b'"TIME"')])
def test_damage_gives_one_with_line_and_offset(tmp_path: Path, capsys: Any, old: bytes, new: bytes) -> None:
    path = ledger(tmp_path / "ledger.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    place = next(place for place, line in enumerate(lines) if place and old in line)
    lines[place] = lines[place].replace(old, new)
    path.write_bytes(b"".join(lines))
    code, out, _ = run([str(path)], capsys)
    report = json.loads(out)
    assert code == 1 and not report["ok"]
    assert (report["error"]["line"], report["error"]["offset"]) == (place + 1, place)


@pytest.mark.parametrize("content", [b"", b"\n", b"{}\n", b"not a ledger\n", b"\xff\xfe\n", b"[" * 100_000 + b"\n"])
def test_a_file_that_is_no_ledger_gives_one(tmp_path: Path, capsys: Any, content: bytes) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(content)
    code, out, _ = run([str(path)], capsys)
    assert code == 1 and not json.loads(out)["ok"]


def test_a_torn_tail_gives_one_with_its_line_and_bytes(tmp_path: Path, capsys: Any) -> None:
    path = ledger(tmp_path / "ledger.jsonl")
    assert replay_report(str(path))["torn"] is None
    whole = path.read_bytes()
    path.write_bytes(whole[:-7])
    code, out, err = run([str(path)], capsys)
    report = json.loads(out)
    left = len(whole[:-7].splitlines(keepends=True)[-1])
    assert (code, err, report["ok"], report["events"]) == (1, "", False, 5)
    assert report["torn"] == {"line": 7, "bytes": left} and report["predictions"]["drifted"] == 0
    assert path.read_bytes() == whole[:-7], "a report mends nothing"


def test_the_beginning_of_the_digits_is_no_whole_ledger(tmp_path: Path) -> None:
    raw = (DIGITS / EVENTS).read_bytes()[:50_000]
    (tmp_path / EVENTS).write_bytes(raw)
    report = replay_report(str(tmp_path / EVENTS))
    assert (report["ok"], report["events"], report["torn"]["line"]) == (False, 2, 4)
    assert report["torn"]["bytes"] == len(raw) - raw.rindex(b"\n") - 1


def test_a_missing_or_unreadable_file_gives_one_line_and_two(tmp_path: Path, capsys: Any) -> None:
    for path in (tmp_path / "nothing.jsonl", tmp_path, tmp_path / "nothing" / "x"):
        code, out, err = run([str(path)], capsys)
        assert code == 2 and out == "" and err.count("\n") == 1 and "Traceback" not in err
    assert not (tmp_path / "nothing.jsonl").exists(), "a report creates nothing"


@pytest.mark.parametrize("arguments", [[], ["a", "b"]])
def test_wrong_arguments_give_the_usage_and_two(capsys: Any, arguments: list[str]) -> None:
    code, out, err = run(arguments, capsys)
    assert (code, out) == (2, "") and err.startswith("usage:")


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["ledger.jsonl", "--help"]])
def test_help_is_given_on_stdout(capsys: Any, arguments: list[str]) -> None:
    code, out, err = run(arguments, capsys)
    assert (code, err) == (0, "") and out.startswith("usage: python -m vectordb LEDGER\n")
    assert "0 nothing differs, 1 something differs or the file is damaged, 2 it cannot be read" in out


@pytest.mark.parametrize("option", ["--version", "-x", "--"])
def test_an_unknown_option_is_a_wrong_argument(capsys: Any, option: str) -> None:
    code, out, err = run([option], capsys)
    assert (code, out) == (2, "") and err.startswith("usage:") and option in err and err.count("\n") == 1


def test_a_file_may_be_named_like_an_option(tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger(tmp_path / "-x")
    monkeypatch.chdir(tmp_path)
    code, out, _ = run(["-x"], capsys)
    assert code == 0 and json.loads(out)["path"] == "-x"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
@pytest.mark.parametrize("arguments", [["--help"], [str(DIGITS / EVENTS)]])
def test_a_report_that_cannot_be_written_gives_one_line_and_two(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "vectordb", *arguments]
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False
        )  # fmt: skip
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and done.stderr.startswith("vectordb: cannot write")


def test_the_report_reads_a_ledger_that_is_being_written(tmp_path: Path) -> None:
    world = World(path=tmp_path / "ledger.jsonl")
    world.put("d", **FULL)
    before = (tmp_path / "ledger.jsonl").read_bytes()
    assert replay_report(str(tmp_path / "ledger.jsonl"))["ok"]
    assert (tmp_path / "ledger.jsonl").read_bytes() == before
    world.db.close()


def test_the_command_runs_as_a_module(tmp_path: Path) -> None:
    path = ledger(tmp_path / "ledger.jsonl")
    command = [sys.executable, "-m", "vectordb"]
    root = Path(__file__).parents[2]
    good = subprocess.run([*command, str(path)], cwd=root, capture_output=True, text=True, timeout=60, check=False)
    assert good.returncode == 0 and json.loads(good.stdout)["ok"], good.stderr
    bad = subprocess.run([*command, "nothing"], cwd=root, capture_output=True, text=True, timeout=60, check=False)
    assert bad.returncode == 2 and bad.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"type": "Nothing"}, "ages@1.type"),
        ({"parameters": {"with_mean": True, "code": "print()"}}, "ages@1.parameters"),
        ({"fitted": {**LEARNT, "scale_": ["2"]}}, "ages#1.fitted.scale_[0]"),
        ({"fitted": {**LEARNT, "sums_": [[1, 41, 0, 1]]}}, "ages#1.fitted.sums_[0]"),
    ],
)
def test_a_malformed_pipeline_is_named_with_its_place(tmp_path: Path, change: dict[str, Any], place: str) -> None:
    sealed = Sealed()
    fitted = {**FITTED, "pipeline": {**FITTED["pipeline"], **change}}
    defined = {key: item for key, item in fitted["pipeline"].items() if key != "fitted"}
    sealed.event("service_defined@1", {"definition": {**SERVICE, "pipeline": defined}})
    sealed.event("pipeline_fitted@1", {"fitted": fitted})
    (tmp_path / "ledger.jsonl").write_bytes(b"".join(sealed.lines))
    report = replay_report(str(tmp_path / "ledger.jsonl"))
    assert report["ok"] is False and report["error"]["code"] == "InvalidInput"
    assert report["error"]["place"] == place
