"""A training set was recorded: which versions the inputs of a model came from, pinned."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, ClassVar

from ledger.errors import InvalidInput
from ledger.facts.fact import Fact, Reading, check_event_time, take, take_digest, take_text
from ledger.facts.plain_json import check_plain_text
from ledger.identity import ROW_BITS, ROW_MASK, check_name
from ledger.values.column_codec import decode_words, encode_words


@dataclass(frozen=True)
class TrainingSetRecord:
    """What a training set was made of; the set itself is made again from its spine.

    ``service`` is the version of the service that was joined, ``as_of`` and ``at`` offset and clock of the read,
    ``known_at`` the lowest and the highest offset that a row was limited to (both ``as_of`` where none was).
    ``columns`` are the inputs, ``labels`` the other columns of the spine, ``rows`` the moments. ``refs`` names every
    version that gave a value, each once, in order. ``digest`` is the SHA-256 of the inputs, ``spine`` that of the
    moments. ``model`` is the label of the model that it is for, empty where none was named.
    """

    name: str
    service: str
    as_of: int
    at: int
    known_at: tuple[int, int]
    columns: tuple[str, ...]
    labels: tuple[str, ...]
    rows: int
    refs: Sequence[int] = field(repr=False)
    digest: str
    spine: str
    model: str = ""
    version: ClassVar[int] = 1  # a name is used once

    @property
    def label(self) -> str:
        """Its name."""
        return self.name

    def to_json(self) -> dict[str, Any]:
        """The stored form."""
        data: dict[str, Any] = {"name": self.name, "service": self.service, "as_of": self.as_of, "at": self.at}
        if self.known_at != (self.as_of, self.as_of):
            data["known_at"] = list(self.known_at)
        data |= {"columns": list(self.columns), "rows": self.rows}
        if self.labels:
            data["labels"] = list(self.labels)
        data |= {"refs": encode_words(array("q", self.refs)), "digest": self.digest, "spine": self.spine}
        return {**data, "model": self.model} if self.model else data


class TrainingSetRecorded(Fact):
    """A training set was recorded, under a name that is used once.

    {"training_set":{"name":"march","service":"ranker@1","as_of":41,"at":1700000000000000,"columns":["trips"],"rows":90,
    "labels":["label"],"refs":"AAAAKQAAAAA=","digest":"...","spine":"...","model":"risk@1"}}

    ``refs`` is base64 of little-endian int64: offset << 24 | row, rising.
    """

    __slots__ = ("record",)
    type = "training_set_recorded"

    def __init__(self, record: TrainingSetRecord) -> None:
        self.record = record

    def to_json(self, time: int) -> dict[str, Any]:
        """See the class."""
        return {"training_set": self.record.to_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any], reading: Reading) -> TrainingSetRecorded:
        """See the class."""
        record = training_set_from_json(take(data, "training_set", dict))
        if record.as_of >= reading.offset:
            raise InvalidInput("a training set reads at an earlier offset", as_of=record.as_of, offset=reading.offset)
        return cls(record)


def training_set_from_json(data: dict[str, Any]) -> TrainingSetRecord:
    """A record from its stored form."""
    body = dict(data)
    as_of = take(body, "as_of", int)
    record = TrainingSetRecord(
        name=check_name(take(body, "name", str), "training set"),
        service=check_plain_text(take(body, "service", str), "a service"),
        as_of=as_of,
        at=check_event_time(body.pop("at", None)),
        known_at=_take_known(body, as_of),
        columns=_take_names(body, "columns"),
        labels=_take_names(body, "labels") if "labels" in body else (),
        rows=take(body, "rows", int),
        refs=_take_refs(body, as_of),
        digest=take_digest(body, "digest"),
        spine=take_digest(body, "spine"),
        model=check_plain_text(take_text(body, "model") or "", "a model"),
    )
    if body or data.get("model", "x") == "":
        raise InvalidInput("a stored training set has only known fields, and what is not set is left out",
                           unknown=sorted(body))  # fmt: skip
    if record.rows < 1:
        raise InvalidInput("a training set has at least one row", training_set=record.name, rows=record.rows)
    return record


def _take_known(body: dict[str, Any], as_of: int) -> tuple[int, int]:
    """What the rows were limited to; left out where nothing but the read limited them."""
    if "known_at" not in body:
        if as_of < 0:
            raise InvalidInput("an offset is not negative", as_of=as_of)
        return as_of, as_of
    known = take(body, "known_at", list)
    if [type(offset) for offset in known] != [int, int] or not 0 <= known[0] <= known[1] <= as_of or (
        known[0] == as_of
    ):
        raise InvalidInput("known_at is the lowest and highest offset, below the read's", known_at=known, as_of=as_of)
    return known[0], known[1]


def _take_names(body: dict[str, Any], key: str) -> tuple[str, ...]:
    names = take(body, key, list)
    if not names or any(type(name) is not str for name in names) or len(set(names)) < len(names):
        raise InvalidInput("the columns of a training set are texts that differ", field=key, value=names)
    return tuple(check_plain_text(name, key) for name in names)


def _take_refs(body: dict[str, Any], as_of: int) -> array[int]:
    """The references, rising, of rows up to an offset."""
    text = take(body, "refs", str)
    refs = decode_words(text, "q", (len(text) * 3 // 4 - text[-2:].count("=")) // 8)
    if refs and (refs[0] < 1 << ROW_BITS or refs[-1] > as_of << ROW_BITS | ROW_MASK):
        raise InvalidInput("a training set refers to rows that its read knew", as_of=as_of)
    if any(before >= after for before, after in pairwise(refs)):
        raise InvalidInput("the references of a training set rise", refs=len(refs))
    return refs
