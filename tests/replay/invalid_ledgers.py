"""The ledgers of replay_fixtures/invalid: one for each way to be damaged, with the error it must give."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.replay.broken_ledger import Broken
from tests.replay.damaged_bytes import BYTES
from tests.replay.damaged_erasures import ERASURES
from tests.replay.damaged_experiments import DEFINITIONS  # and the other definitions
from tests.replay.damaged_rows import ROWS
from tests.replay.fixtures import ERROR, EVENTS, to_json

INVALID_LEDGERS: dict[str, Callable[[], Broken]] = {**BYTES, **ROWS, **DEFINITIONS, **ERASURES}


def files(reason: str) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the files of one invalid ledger."""
    broken = INVALID_LEDGERS[reason]()
    yield EVENTS, b"".join(broken.lines)
    yield ERROR, to_json(broken.error).encode()


def write_invalid_ledgers(folder: Path) -> int:
    """Write them all, and nothing else; their number."""
    shutil.rmtree(folder, ignore_errors=True)
    for reason in INVALID_LEDGERS:
        (folder / reason).mkdir(parents=True)
        for name, content in files(reason):
            (folder / reason / name).write_bytes(content)
    return len(INVALID_LEDGERS)
