"""The origin of a write: what it was derived from, and the key that makes it safe to retry."""

from __future__ import annotations

from typing import Any, NamedTuple

from ledger.errors import InvalidInput
from ledger.facts.fact import Reading, ref_from_json, refs_to_json, take, take_text


class Origin(NamedTuple):
    """``derived_from`` holds references of earlier rows, so lineage is acyclic by construction.

    ``key`` is the idempotency key and ``args`` the digest of the call's arguments as given.
    """

    derived_from: tuple[int, ...] = ()
    transformation: str | None = None
    key: str | None = None
    args: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The fields that are set."""
        data: dict[str, Any] = {}
        if self.derived_from:
            data["derived_from"] = refs_to_json(self.derived_from)
        for name in ("transformation", "key", "args"):
            if getattr(self, name) is not None:
                data[name] = getattr(self, name)
        return data


def take_origin(data: dict[str, Any], reading: Reading) -> Origin | None:
    """Take the origin's fields out of a stored form; None where there are none."""
    if not _FIELDS.intersection(data):
        return None
    refs = tuple(map(ref_from_json, take(data, "derived_from", list))) if "derived_from" in data else ()
    if any(ref >= reading.ref for ref in refs):
        raise InvalidInput("derived_from names earlier rows only", offset=reading.offset)
    return Origin(refs, take_text(data, "transformation"), take_text(data, "key"), take_text(data, "args"))


_FIELDS = frozenset(Origin._fields)
