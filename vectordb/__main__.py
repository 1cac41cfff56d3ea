"""``python -m vectordb PATH``: replay a ledger file, verify it, reproduce its predictions, print a report."""

from __future__ import annotations

import json
import sys
from typing import Any

from vectordb.report import replay_report


def main(arguments: list[str]) -> int:
    """Print the JSON report; 0 when everything holds, 1 when anything differs, 2 for a missing or unreadable file."""
    if len(arguments) != 1:
        print("usage: python -m vectordb PATH", file=sys.stderr)
        return 2
    try:
        report = replay_report(arguments[0])
    except OSError as error:
        print(f"vectordb: cannot read {arguments[0]}: {error.strerror or error}", file=sys.stderr)
        return 2
    print(_text(report))
    return 0 if report["ok"] else 1


def _text(report: dict[str, Any]) -> str:
    """As JSON; escaped where the terminal cannot show it, or a name is no text."""
    text = json.dumps(report, indent=2, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(report, indent=2)
    return text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
