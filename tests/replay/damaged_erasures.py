"""Erasures and compactions that nobody did: lines rewritten by hand, their digests right where they can be."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from ledger import canonical, chain_digest
from ledger.header import seal, seal_redacted, split, split_redacted
from tests.replay.broken_ledger import Broken, Sealed, database, lines_of
from vectordb import VectorDB

ERASURES: dict[str, Callable[[], Broken]] = {}
ANN, ERASED = 2, 5  # offsets: her row, and the event that erased her


def erased() -> VectorDB:
    """Five events: the view, two rows, a mark, and the erasure of the first row."""
    db = database()
    db.mark("before")
    db.erase("users", "ann", reason="asked")
    return db


def compacted() -> VectorDB:
    """Five events: the view, three rows of one user, and a compaction that lets the first two go."""
    db = database()
    db.view("users").put("ann", {"age": 42, "score": 1.5, "city": "Oslo", "name": "Ann"})
    db.view("users").put("bob", {"age": 20, "name": "Rob"})
    db.compact(below=5)
    return db


def broken(reason: str, why: str, code: str, line: int, offset: int) -> Callable[[Callable[[], list[bytes]]], None]:
    """Register a builder of lines."""

    def register(build: Callable[[], list[bytes]]) -> None:
        ERASURES[reason] = lambda: Broken(build(), code, line, offset, why)

    return register


def fields_of(line: bytes) -> dict[str, Any]:
    """The data of a line, without its digests."""
    body, _ = split_redacted(split(line, 0, 0)[0])
    data: dict[str, Any] = json.loads(body + b"}")
    return data


def bound(db: VectorDB, offset: int, data: dict[str, Any]) -> tuple[bytes, bytes]:
    """The body of data at an offset, and the digest that it would have there."""
    body = canonical(data)[:-1]
    return body, chain_digest(bytes.fromhex(db.header.ledger_id), bytes.fromhex(db.digest(offset - 1)), body)


def left(name: str, why: str, code: str = "InvalidEvent", /, **changes: Any) -> None:
    """A redacted line with some fields changed; its digest of what is left is right."""

    def build() -> list[bytes]:
        db = erased()
        lines = lines_of(db)
        data = {key: item for key, item in {**fields_of(lines[ANN]), **changes}.items() if item is not None}
        body, now = bound(db, ANN, data)
        lines[ANN] = seal_redacted(body, now, bytes.fromhex(db.digest(ANN)))
        return lines

    broken(f"redacted_{name}", why, code, ANN + 1, ANN)(build)


def vouched(
    name: str, why: str, code: str = "InvalidEvent", make: Any = erased, at: int = ERASED, /, **changes: Any
) -> None:
    """The event that vouches, with some fields changed and its digest right."""

    def build() -> list[bytes]:
        db = make()
        lines = lines_of(db)
        data = {key: item for key, item in {**fields_of(lines[at]), **changes}.items() if item is not None}
        lines[at] = seal(*bound(db, at, data))
        return lines

    broken(name, why, code, at + 1, at)(build)


OTHER = b64encode(sha256(b"other").digest()).decode()
GAP = [{"view": "users@1", "erased": 1}]
left("was_nothing", "a redacted line that does not say what it was", was=None)
left("was_unknown", "a redacted line that was of an unknown type", was="row_put@2")
left("was_a_definition", "a redacted line that was a view", was="view_defined@1")
left("by_itself", "redacted by itself", by=ANN)
left("by_earlier", "redacted by an earlier event", by=1)
left("by_text", "redacted by no offset", by="5")
left("gap_of_unknown_view", "rows gone from a view that is not defined", writes=[{"view": "riders@1", "erased": 1}])
left("gap_of_no_rows", "a gap of no rows", writes=[{"view": "users@1", "erased": 0}])
left("gap_too_large", "a gap of more rows than an event has", writes=[{"view": "users@1", "erased": 2**24}])
left("gap_for_another_reason", "rows gone for an unknown reason", writes=[{"view": "users@1", "lost": 1}])
left("gap_twice_for_reasons", "rows both erased and pruned", writes=[{"view": "users@1", "erased": 1, "pruned": 1}])
left("gaps_not_in_one_run", "two gaps that are one", writes=[*GAP, *GAP])
left("write_of_text", "a write that is no object", writes=["users@1"])
left("unknown_field", "a redacted line with an unknown field", colour="red")
vouched("erasure_of_nobody", "an erasure of no entities", entities=0)
vouched("erasure_without_reason", "an erasure without a reason", reason="")
vouched("erasure_of_unknown_view", "an erasure in a view that is not defined", view="riders")
vouched("erasure_of_later_lines", "an erasure that rewrites its own line", lines=[ANN, ERASED])
vouched("erasure_of_lines_out_of_order", "rewritten lines out of order", lines=[3, ANN])
vouched("erasure_of_other_digests", "an erasure that vouches for something else", "DigestMismatch", digests=OTHER)
vouched("erasure_of_too_few_digests", "an erasure with a line and no digest", digests="")
vouched("erasure_with_digests_not_base64", "digests that are not base64", digests="*" * 44)
vouched("erasure_of_a_whole_line", "an erasure of a line that is still there", "DigestMismatch", lines=[3])
vouched("erasure_with_nothing_unfounded", "an erasure that lists nothing as unfounded", unfounded={})
vouched("erasure_with_later_unfounded", "an erasure that lists a later row", unfounded={"versions": [[9, 0]]})
vouched("erasure_with_unknown_unfounded", "an erasure that lists something unknown", unfounded={"colours": ["red"]})
IN_ORDER = ("InvalidEvent", compacted, 6)
OTHERS = "0" * 64
vouched("compaction_of_other_leaves", "one that binds other digests", "DigestMismatch", compacted, 6, leaves=OTHERS)
vouched("compaction_below_nothing", "a compaction below offset 0", *IN_ORDER, below=0)
vouched("compaction_below_itself", "a compaction below what comes after it", *IN_ORDER, below=7)
vouched("compaction_of_a_kept_line", "a line above the bound is rewritten", *IN_ORDER, lines=[5], digests=OTHER)


@broken("redacted_by_another", "redacted by another event than the erasure", "DigestMismatch", ERASED + 1, ERASED)
def _() -> list[bytes]:
    db = erased()
    lines = lines_of(db)
    body, now = bound(db, ANN, {**fields_of(lines[ANN]), "by": 4})
    lines[ANN] = seal_redacted(body, now, bytes.fromhex(db.digest(ANN)))
    return lines


@broken("erased_line_comes_back", "an erased line as it was before", "DigestMismatch", ERASED + 1, ERASED)
def _() -> list[bytes]:
    before, lines = database(), lines_of(erased())
    return [*lines[:ANN], lines_of(before)[ANN], *lines[ANN + 1 :]]


@broken("redacted_without_its_event", "a redacted line, and no event that says so", "DigestMismatch", ERASED, ANN)
def _() -> list[bytes]:
    return lines_of(erased())[:ERASED]


@broken("redacted_flipped_bit", "a redacted line with a bit flipped", "DigestMismatch", ANN + 1, ANN)
def _() -> list[bytes]:
    lines = lines_of(erased())
    lines[ANN] = lines[ANN].replace(b'"erased":1', b'"erased":3')
    return lines


@broken("redacted_flipped_first_digest", "another digest than the line was written with", "DigestMismatch", 4, 3)
def _() -> list[bytes]:
    lines = lines_of(erased())
    place = lines[ANN].rindex(b'"digest":"') + 10
    lines[ANN] = lines[ANN][:place] + bytes([lines[ANN][place] ^ 1]) + lines[ANN][place + 1 :]
    return lines


@broken("redacted_with_one_digest", "a redacted event whose line was never rewritten", "InvalidEvent", 5, 4)
def _() -> list[bytes]:
    data = {"was": "row_put@1", "by": 9, "writes": GAP}
    return Sealed().event("redacted@1", data).lines


@broken("whole_with_two_digests", "a row that is whole, in a line that was rewritten", "InvalidEvent", ANN + 1, ANN)
def _() -> list[bytes]:
    db = erased()
    lines = lines_of(db)
    row = {"offset": 2, "time": db.event(2).time, "type": "row_put@1", "view": "users@1", "entity": "eve",
           "features": [0], "values": [7]}  # fmt: skip
    body, now = bound(db, ANN, row)
    lines[ANN] = seal_redacted(body, now, bytes.fromhex(db.digest(ANN)))
    return lines


@broken("pruned_without_a_compaction", "only a digest is left, and nobody let the line go", "DigestMismatch", 4, 2)
def _() -> list[bytes]:
    db = database()
    lines = lines_of(db)
    lines[ANN] = seal(b'{"offset":2', bytes.fromhex(db.digest(ANN)))
    return lines


@broken("pruned_at_another_offset", "a pruned line at another offset than its own", "DigestMismatch", 3, 2)
def _() -> list[bytes]:
    lines = lines_of(compacted())
    lines[2] = lines[2].replace(b'"offset":2', b'"offset":3')
    return lines


@broken("compaction_bound_goes_back", "a compaction below the bound of the one before", "InvalidEvent", 8, 7)
def _() -> list[bytes]:
    db = compacted()
    leaves = sha256(bytes.fromhex("".join(db.digest(offset) for offset in range(1, 3)))).hexdigest()
    data = {"below": 3, "pruned": 0, "leaves": leaves, "lines": [], "digests": ""}
    return Sealed(db).event("log_compacted@1", data).lines
