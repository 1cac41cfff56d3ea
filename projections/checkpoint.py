"""Checkpoints: the dumps of all projections at one offset, for a start without a replay.

    file = {"format","version","ledger_id","offset","digest","log":{bytes,sha256},
            "projections":[{name,version,bytes,sha256}]} NEWLINE
           the dump of every projection, one after the other, then what the log has to know of its events

A checkpoint is a cache, never the truth: it is used only when it belongs to this ledger, its digest is
that of the log at its offset, every dump has its version and hash, and nothing was erased since; otherwise the log is
replayed. What it covers is hashed line by line, and parsed when asked for (``ledger.storage.deferral``). Its hashes
tell damage from what was written, not who wrote it: whoever can write the file can make reads wrong, as whoever can
write to the process's own memory. It holds plain data, from which no code is run.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from hashlib import sha256
from typing import Any, BinaryIO, Final, NamedTuple

from ledger import FILES, Files, Journal, Log, defer, dump_covered, load_covered, restart, write_atomically
from projections.fold import Fold

FORMAT: Final = "vectordb-checkpoint"
FORMAT_VERSION: Final = 2
MAX_HEAD: Final = 1 << 20


class Held(NamedTuple):
    """A checkpoint that fits by itself; whether it fits the log is still to be seen."""

    offset: int
    digest: str
    covered: bytes
    dumps: list[bytes]


def write_checkpoint(path: str | os.PathLike[str], fold: Fold, files: Files = FILES) -> int:
    """Dump log and projections at the head of the log; the bytes written."""
    log = fold.log
    covered, dumps = dump_covered(log), [projection.dump() for projection in fold.projections]
    head = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "ledger_id": log.header.ledger_id,
        "offset": log.head,
        "digest": log.digest(log.head).hex(),
        "log": _size_of(covered),
        "projections": [
            {"name": projection.name, "version": projection.version, **_size_of(dump)}
            for projection, dump in zip(fold.projections, dumps, strict=True)
        ],
    }
    return write_atomically(path, _chunks(head, [*dumps, covered]), files=files)


def _size_of(part: bytes) -> dict[str, Any]:
    return {"bytes": len(part), "sha256": sha256(part).hexdigest()}


def _chunks(head: dict[str, Any], parts: list[bytes]) -> Iterator[bytes]:
    yield json.dumps(head).encode() + b"\n"
    yield from parts


def load_checkpoint(path: str | os.PathLike[str], fold: Fold, journal: Journal, position: int) -> int:
    """Bring an empty log and fold to the end of a journal's file, by a checkpoint and a replay of what comes after it.

    Its offset; 0 where it cannot be used: journal and fold are then empty as before.
    """
    held = _read(path, fold, journal.log)
    if held is None:
        return 0
    try:
        fits = _take(held, fold, journal, position)
    except Exception:  # whatever a damaged log or a foreign dump leads to: the replay finds and names it
        fits = False
    if not fits:
        restart(journal)
        for projection in fold.projections:
            projection.reset()
    return held.offset if fits else 0


def _take(held: Held, fold: Fold, journal: Journal, position: int) -> bool:
    log = journal.log
    if not defer(journal, position, load_covered(held.covered), held.digest) or log.head != held.offset:
        return False
    for _ in journal.load(journal.position):
        pass  # read, verified and in the log; folded below
    if log.registry.rewritten > held.offset:
        return False
    for projection, dump in zip(fold.projections, held.dumps, strict=True):
        projection.load(dump)
    fold.run(log.events(held.offset + 1))
    return True


def _read(path: str | os.PathLike[str], fold: Fold, log: Log) -> Held | None:
    """A checkpoint of this ledger and these projections, whole as it was written; None for anything else."""
    try:
        with open(path, "rb") as file:
            head = json.loads(file.readline(MAX_HEAD))
            fits = (head["format"], head["version"]) == (FORMAT, FORMAT_VERSION)
            fits = fits and head["ledger_id"] == log.header.ledger_id
            wanted = [(projection.name, projection.version) for projection in fold.projections]
            fits = fits and [(item["name"], item["version"]) for item in head["projections"]] == wanted
            if not fits or type(head["offset"]) is not int or head["offset"] < 1:
                return None
            dumps = [_part(file, item) for item in head["projections"]]
            return Held(head["offset"], head["digest"], _part(file, head["log"]), dumps)
    except (OSError, ValueError, LookupError, TypeError, OverflowError, RecursionError):
        return None


def _part(file: BinaryIO, part: dict[str, Any]) -> bytes:
    """The next part of the file, with its size and hash."""
    size = part["bytes"]
    if type(size) is not int or not 0 <= size <= os.fstat(file.fileno()).st_size:
        raise ValueError("a part lies in its file")
    data = file.read(size)
    if len(data) != size or sha256(data).hexdigest() != part["sha256"]:
        raise ValueError("a part has its length and hash")
    return data
