"""``python -m vectordb LEDGER``: replay a ledger file, verify it, reproduce its predictions, print a report."""

from __future__ import annotations

import json
import os
import sys
from typing import Any, Final

from vectordb.report import replay_report

USAGE: Final = "usage: python -m vectordb LEDGER"
HELP: Final = f"""{USAGE}

Replay a ledger file (or a reproduction kit), verify it, reproduce its predictions, and print a report as JSON.

exit codes: 0 nothing differs, 1 something differs or the file is damaged, 2 it cannot be read"""


def main(arguments: list[str]) -> int:
    """Print the JSON report; 0 when everything holds, 1 when anything differs or the file is damaged, else 2."""
    if "-h" in arguments or "--help" in arguments:
        return _printed(HELP, 0)
    if len(arguments) != 1:
        return _refused(USAGE)
    path = arguments[0]
    if path.startswith("-") and not os.path.exists(path):
        return _refused(f"{USAGE} (there is no option {path}, and no file of that name)")
    try:
        report = replay_report(path)
    except OSError as error:
        return _refused(f"vectordb: cannot read {path}: {error.strerror or error}")
    return _printed(_text(report), 0 if report["ok"] else 1)


def _refused(message: str) -> int:
    print(message, file=sys.stderr)
    return 2


def _printed(text: str, code: int) -> int:
    """Print to stdout; 2 instead of the code where it takes no more, and what it held back goes nowhere."""
    try:
        print(text, flush=True)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes once more at its end
        return _refused(f"vectordb: cannot write the report: {error.strerror or error}")
    return code


def _text(report: dict[str, Any]) -> str:
    """As JSON; escaped where the terminal cannot show it, or a name is no text."""
    text = json.dumps(report, indent=2, ensure_ascii=False)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(report, indent=2)
    return text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
