"""Options of the simulation, and what may be written to pytest_results.json.

`pytest_results.json` is committed, so it must always describe the whole suite and nothing of the machine: a
restricted or interrupted run leaves the file as it was, and paths, streams and keywords are stripped from it.
Works with and without pytest-json-report.
"""

from __future__ import annotations

import gc
import os
import platform
import re
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

RESULTS = "pytest_results.json"
OMITTED = ("keywords", "streams", "log")
RESTRICTING = ("keyword", "markexpr", "lf", "stepwise", "deselect", "ignore", "ignore_glob", "collectonly")
JUDGES = ("hypothesis", "mpmath", "numpy", "pytest", "scikit-learn", "scipy")

# The folders of an absolute path, without its last part. What precedes it must not be part of a URL, of a
# version id or of a relative path.
_FOLDERS = re.compile(r"""(?<![\w.~:/<>@-])/(?:[^\s/'"`:,;()\[\]{}<>|]+/)+""")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("simulation", "the seeded workload against the model")
    group.addoption("--sim-seeds", type=int, default=5, metavar="N", help="how many seeds to run")
    group.addoption("--sim-steps", type=int, default=120, metavar="N", help="how many writes per seed")
    group.addoption("--sim-first-seed", type=int, default=0, metavar="N", help="the first seed")
    group.addoption("--sim-history", default=None, metavar="FILE", help="a history that a failure left behind")


def pytest_configure(config: pytest.Config) -> None:
    _load_profile()
    if getattr(config.option, "json_report", False) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Report(config))


def _load_profile() -> None:
    """The same examples at every run; ``--hypothesis-profile=default`` draws new ones."""
    if find_spec("hypothesis") is not None:
        from hypothesis import settings

        settings.register_profile("suite", derandomize=True, database=None)
        settings.load_profile("suite")


@pytest.fixture(autouse=True, scope="module")
def settled() -> None:
    """What was there before a module is not its garbage: its full collections, which many tests ask for, stay short.

    With 15,000 tests and their reports in memory one takes a second: a tenth of the suite's time.
    """
    gc.collect()
    gc.freeze()


class _Report:
    """Guards and cleans the report of one run."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._session: pytest.Session | None = None
        self._skipped_because = ""
        options = config.option
        options.json_report_omit = sorted({*options.json_report_omit, *OMITTED})
        self._guarded = self._target() == config.rootpath / RESULTS
        if self._guarded:
            options.json_report_file = str(self._target())  # wherever a test leaves the working directory
            if options.json_report_indent is None:
                options.json_report_indent = 1

    def _target(self) -> Path | None:
        name = self._config.option.json_report_file
        return (self._config.invocation_params.dir / name).resolve() if name else None

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        self._session = session

    def pytest_json_modifyreport(self, json_report: dict[str, Any]) -> None:
        if self._guarded:
            self._skipped_because = why_not_full(self._config, self._session, json_report)
            if self._skipped_because:
                self._config.option.json_report_file = None  # the plugin reads it after this hook
        clean(json_report, self._config.rootpath)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._skipped_because:
            terminalreporter.write_line(f"{RESULTS} left as it was: {self._skipped_because}")


def why_not_full(config: pytest.Config, session: pytest.Session | None, report: Mapping[str, Any]) -> str:
    """Why this run does not describe the whole suite; empty when it does."""
    for option in RESTRICTING:
        if getattr(config.option, option, None):
            return f"restricted by --{option.replace('_', '-')}"
    asked = {(config.invocation_params.dir / argument).resolve() for argument in config.args}
    if not asked & {config.rootpath, config.rootpath / "tests"}:
        return f"restricted to {', '.join(config.args)}"
    if report["summary"].get("deselected"):
        return "some tests were deselected"
    if session is None or session.shouldstop or session.shouldfail:
        return "stopped early"
    if report["exitcode"] not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        return f"exit code {int(report['exitcode'])}"
    return ""


def clean(report: dict[str, Any], root: Path) -> None:
    """Strip from a report, in place, the machine it ran on and what nobody reads."""
    report.pop("root", None)
    report["exitcode"] = int(report["exitcode"])
    report["environment"] = {"python": platform.python_version(), **_installed(JUDGES)}
    failed = [c for c in report.pop("collectors", ()) if c["outcome"] == "failed"]
    if failed:
        report["collectors"] = failed
    strip = path_stripper(root)
    for part in ("collectors", "tests", "warnings"):
        if part in report:
            report[part] = _map_strings(report[part], strip)


def path_stripper(root: Path) -> Callable[[str], str]:
    """A function from text to the same text, with paths relative to `root` or cut to their last part."""
    inside = str(root).rstrip(os.sep) + os.sep

    def strip(text: str) -> str:
        return _FOLDERS.sub(".../", text.replace(inside, ""))

    return strip


def _map_strings(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_map_strings(item, change) for item in value]
    if isinstance(value, dict):
        return {key: _map_strings(item, change) for key, item in value.items()}
    return value


def _installed(names: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
