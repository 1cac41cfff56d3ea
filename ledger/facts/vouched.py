"""Vouched lines: which earlier lines an event rewrote, and the digest that each has now.

A line that was rewritten keeps the digest it was written with, so that the chain, the tree and every proof go on
holding; nobody can compute that digest from what is left of the line. The event that took something out therefore
names the lines and their new digests, and is itself bound by the chain: whoever erased vouches for what remains.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from typing import Any

from ledger.errors import InvalidInput
from ledger.facts.fact import Fact, Reading, take
from ledger.header import DIGEST_SIZE


class Vouching(Fact):
    """Base of the facts that rewrite earlier lines. ``lines`` holds their offsets, ascending, and the new digests."""

    __slots__ = ("_digests", "offsets")

    def __init__(self, lines: Mapping[int, bytes]) -> None:
        self.offsets = tuple(sorted(lines))
        self._digests = b"".join(lines[offset] for offset in self.offsets)

    @property
    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Offset and new digest of every line that was rewritten."""
        for place, offset in enumerate(self.offsets):
            yield offset, self._digests[place * DIGEST_SIZE : (place + 1) * DIGEST_SIZE]

    def lines_to_json(self) -> dict[str, Any]:
        """The stored form: offsets, and the digests one after the other in base64."""
        return {"lines": list(self.offsets), "digests": b64encode(self._digests).decode()}


def take_lines(data: dict[str, Any], reading: Reading) -> dict[int, bytes]:
    """Take the lines out of a stored form."""
    offsets, text = take(data, "lines", list), take(data, "digests", str)
    try:
        digests = b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput("digests are base64", error=str(error)) from error
    if any(type(offset) is not int for offset in offsets) or offsets != sorted(set(offsets)):
        raise InvalidInput("rewritten lines stand in order, each once", lines=offsets[:10])
    if offsets and not 1 <= offsets[0] <= offsets[-1] < reading.offset:
        raise InvalidInput("only earlier lines are rewritten", offset=reading.offset, last=offsets[-1])
    if len(digests) != DIGEST_SIZE * len(offsets) or b64encode(digests).decode() != text:
        raise InvalidInput("every rewritten line has one digest", lines=len(offsets), bytes=len(digests))
    return {offset: digests[place * DIGEST_SIZE : (place + 1) * DIGEST_SIZE] for place, offset in enumerate(offsets)}
