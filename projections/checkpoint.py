"""Checkpoints: the dumps of all projections at one offset, for a start without a replay.

    file = {"format","ledger_id","offset","digest","projections":[{name,version,bytes,sha256}]} NEWLINE
           the dumps, one after the other

A checkpoint is a cache, never the truth: it is used only when it belongs to this ledger, its digest is
that of the log at its offset, every dump has its version and hash, and nothing was erased since; otherwise the log is
replayed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from hashlib import sha256
from typing import Any, Final

from ledger import FILES, Files, Log, write_atomically
from projections.fold import Fold

FORMAT: Final = "vectordb-checkpoint"
MAX_HEAD: Final = 1 << 20


def write_checkpoint(path: str | os.PathLike[str], fold: Fold, files: Files = FILES) -> int:
    """Dump every projection at the head of the log; the bytes written."""
    dumps = [(projection, projection.dump()) for projection in fold.projections]
    log = fold.log
    head = {
        "format": FORMAT,
        "ledger_id": log.header.ledger_id,
        "offset": log.head,
        "digest": log.digest(log.head).hex(),
        "projections": [
            {
                "name": projection.name,
                "version": projection.version,
                "bytes": len(dump),
                "sha256": sha256(dump).hexdigest(),
            }
            for projection, dump in dumps
        ],
    }
    return write_atomically(path, _chunks(head, [dump for _, dump in dumps]), files=files)


def _chunks(head: dict[str, Any], dumps: list[bytes]) -> Iterator[bytes]:
    yield json.dumps(head).encode() + b"\n"
    yield from dumps


def load_checkpoint(path: str | os.PathLike[str], fold: Fold, log: Log) -> int:
    """Take the state of a checkpoint; its offset, or 0 where it cannot be used (``fold`` is then empty).

    The events after the offset are still to be folded.
    """
    parts = _read(path, fold, log)
    if parts is None:
        return 0
    offset, dumps = parts
    try:
        for projection, dump in zip(fold.projections, dumps, strict=True):
            projection.load(dump)
    except Exception:  # whatever a damaged or foreign dump leads to: the log is replayed instead
        for projection in fold.projections:
            projection.reset()
        return 0
    return offset


def _read(path: str | os.PathLike[str], fold: Fold, log: Log) -> tuple[int, list[bytes]] | None:
    """Offset and dumps of a checkpoint that belongs to this log, None for anything else."""
    try:
        with open(path, "rb") as file:
            head = json.loads(file.readline(MAX_HEAD))
            dumps = _dumps(file.read(), head["projections"])
        fits = head["format"] == FORMAT and head["ledger_id"] == log.header.ledger_id
        wanted = [(projection.name, projection.version) for projection in fold.projections]
        fits = fits and [(item["name"], item["version"]) for item in head["projections"]] == wanted
        fits = fits and type(head["offset"]) is int and 0 <= head["offset"] <= log.head
        fits = fits and head["offset"] >= log.registry.rewritten
        fits = fits and log.digest(head["offset"]).hex() == head["digest"]
    except (OSError, ValueError, LookupError, TypeError, OverflowError, RecursionError):
        return None
    return (head["offset"], dumps) if fits else None


def _dumps(data: bytes, items: list[dict[str, Any]]) -> list[bytes]:
    """The dumps one after the other, each with its hash."""
    dumps: list[bytes] = []
    start = 0
    for item in items:
        dump = data[start : start + item["bytes"]]
        if item["bytes"] < 0 or len(dump) != item["bytes"] or sha256(dump).hexdigest() != item["sha256"]:
            raise ValueError("a dump has its length and hash")
        dumps.append(dump)
        start += len(dump)
    return dumps
