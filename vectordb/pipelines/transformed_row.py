"""A transformed row: what a service's pipeline made of its inputs, and the inputs themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from sys import byteorder
from typing import Any

from ledger import Entity, UnknownName
from vectordb.pipelines.applied_pipeline import AppliedPipeline
from vectordb.services.row import ServiceRow
from vectordb.views.plan import Status

BIG = byteorder != "little"


class TransformedRow(Mapping[str, float]):
    """A mapping of output names to floats (NaN where the pipeline lets one through), in the model's order.

    ``inputs`` is the row that the service read: values, versions, statuses, offset and clock. It carries all that
    ``db.record_prediction`` pins. ``vector()`` gives the outputs alone.
    """

    __slots__ = ("_applied", "inputs", "packed")

    def __init__(self, inputs: ServiceRow, applied: AppliedPipeline, packed: bytes) -> None:
        """``packed`` holds the outputs as float64."""
        self.inputs = inputs
        self._applied = applied
        self.packed = packed

    def __getitem__(self, name: str) -> float:
        values = self.to_dict()
        if name not in values:
            rule = "the pipeline has no such output"
            raise UnknownName(rule, pipeline=self.pipeline, output=name, known=list(self._applied.names)[:20])
        return values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._applied.names)

    def __len__(self) -> int:
        return len(self._applied.names)

    def vector(self) -> list[float]:
        """The outputs in the model's order."""
        return list(self._applied.unpack(self.packed))

    def to_dict(self) -> dict[str, float]:
        """Names and outputs as a plain dict."""
        return dict(zip(self._applied.names, self._applied.unpack(self.packed)))

    def __repr__(self) -> str:
        return f"TransformedRow({self.pipeline}, {self.entity!r}, {self.to_dict()!r}, as_of={self.as_of})"

    # -- what was read, and through what it went -----------------------------------------------------------

    @property
    def pipeline(self) -> str:
        """``service#version`` of the pipeline."""
        return self._applied.fitted.label

    @property
    def pipeline_version(self) -> int:
        """Its version."""
        return self._applied.fitted.version

    @property
    def digest(self) -> str:
        """SHA-256 of the outputs' bits, little-endian, in hex."""
        return digest_of(self.packed)

    @property
    def service(self) -> str:
        """``name@version`` of the service."""
        return self.inputs.service

    @property
    def entity(self) -> Entity:
        """The id asked for."""
        return self.inputs.entity

    @property
    def entities(self) -> tuple[Entity, ...]:
        """One id of each kind."""
        return self.inputs.entities

    @property
    def found(self) -> bool:
        """Whether every entity exists."""
        return self.inputs.found

    @property
    def as_of(self) -> int:
        """The offset that the read saw."""
        return self.inputs.as_of

    @property
    def at_micros(self) -> int:
        """The clock that the read used, in microseconds."""
        return self.inputs.at_micros

    @property
    def at(self) -> datetime:
        """The clock that the read used."""
        return self.inputs.at

    @property
    def status(self) -> dict[str, Status]:
        """The status of every input."""
        return self.inputs.status

    @property
    def versions(self) -> dict[str, str | None]:
        """The version id of every input."""
        return self.inputs.versions


def digest_of(packed: bytes) -> str:
    """SHA-256 of packed float64, little-endian, in hex."""
    if BIG:
        words = memoryview(packed).cast("B")
        packed = b"".join(bytes(words[start : start + 8][::-1]) for start in range(0, len(words), 8))
    return sha256(packed).hexdigest()


def inputs_of(row: Any) -> Any:
    """The row that a service read, of a transformed one or itself."""
    return row.inputs if isinstance(row, TransformedRow) else row
