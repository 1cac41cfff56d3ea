"""The pages that tell what was measured: every line in ``measured.md``, some of them in the README.

``measured.json`` holds the lines of the last run of each command; both pages are made from it and from nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.bench.headlines import HEADLINES
from tests.bench.runs import PARTS, RUNS, Run

ROOT = Path(__file__).parents[2]
KEPT, PAGE, README = (ROOT / name for name in ("tests/bench/measured.json", "tests/bench/measured.md", "README.md"))
BEGIN, END = "<!-- measured: made by `python -m tests.bench` -->", "<!-- end of measured -->"
Kept = Mapping[str, Mapping[str, Any]]

INTRODUCTION = """\
# Measured

Made by `python -m tests.bench`, which runs the commands below one after the other, each in a process of its own, and
writes this page and the table of the README. Medians; what takes turns with peers does so in one process, round by
round. "Beside it" is what a user might take instead, on the same data and with the same answers, and how many times
better ours is: below 1x the other one is better. A bar in italics is required, the others are targets of our own.

{machines}
"""


def read() -> dict[str, Any]:
    """What was kept."""
    found: dict[str, Any] = json.loads(KEPT.read_text("utf-8"))
    return found


def keep(kept: Kept) -> None:
    """Keep it, in the order of the runs, and make both pages anew."""
    ordered = {run.name: kept[run.name] for run in RUNS if run.name in kept}
    KEPT.write_text(json.dumps(ordered, indent=1, ensure_ascii=False) + "\n", "utf-8")
    PAGE.write_text(page(ordered), "utf-8")
    README.write_text(with_table(README.read_text("utf-8"), ordered), "utf-8")


def page(kept: Kept) -> str:
    """All lines, a table a part, with the commands."""
    pieces = [INTRODUCTION.format(machines=machines(kept))]
    for title, runs in PARTS.items():
        known = [run for run in runs if run.name in kept]
        if known:
            rows = [_row(line) for run in known for line in kept[run.name]["lines"]]
            headings = ("what", "*required*, target", "measured", "rounds", "beside it")
            pieces += [f"## {title}\n", _table(headings, rows), ""]
            pieces += [*(_told(run, kept[run.name]) for run in known), ""]
    return "\n".join(pieces)


def _told(run: Run, found: Mapping[str, Any]) -> str:
    about = found["environment"]
    load = "" if about["load"] is None else f", load {about['load']:.1f} before"
    return f"- `{run.command}`: {found['date']}, {found['seconds']:,.0f} s{load}"


def machines(kept: Kept) -> str:
    """The classes of machines, mostly one."""
    told = dict.fromkeys(f"{one['environment']['python']}, {one['environment']['machine']}" for one in kept.values())
    return "; ".join(told) + "."


def _row(line: Mapping[str, Any]) -> tuple[str, ...]:
    return line["operation"], bars(line), line["measured"], line["spread"], line["beside"]


def bars(line: Mapping[str, Any]) -> str:
    """What is required in italics, our own target, and whether all are met."""
    wanted = [f"*{line['users_bar']}*" if line["users_bar"] else "", line["bar"]]
    told = ", ".join(filter(None, wanted))
    return f"{told}: {'met' if line['met'] else '**missed**'}" if told and line["met"] is not None else told


def table(kept: Kept) -> str:
    """The lines of the README."""
    rows = []
    for name, run, operation in HEADLINES:
        found = find(kept, run, operation)
        rows += [(name, bars(line), line["measured"], line["beside"], f"`{run}`") for line in found]
    headings = ("what", "*required*, target", "measured", "beside it (ours is so many times better)", "`--only`")
    return _table(headings, rows)


def find(kept: Kept, run: str, operation: str) -> list[Mapping[str, Any]]:
    """The line of that operation, else those that have it in theirs: one, where the run was made at full size."""
    lines = kept[run]["lines"] if run in kept else []
    exact = [one for one in lines if one["operation"] == operation]
    return exact or [one for one in lines if operation in one["operation"]]


def with_table(readme: str, kept: Kept) -> str:
    """The README with the table between its marks."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{machines(kept)}\n\n{table(kept)}\n\n{missed(kept)}\n{END}{after}"


def missed(kept: Kept) -> str:
    """Every line of every run that misses a bar, so that no choice of headlines hides one."""
    found = [line for run in kept.values() for line in run["lines"] if line["met"] is False]
    told = [f"- {line['operation']}: {line['measured']} ({line['bar'] or line['users_bar']})" for line in found]
    return "\n".join([f"Missed, of all {sum(len(run['lines']) for run in kept.values())} lines:\n", *told])  # ints


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    cells = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in cells)
