"""A model was defined as data, so that its outputs can be checked with no code at hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ledger.facts.fact import Fact, Reading, take
from ledger.facts.plain_json import check_plain
from ledger.facts.view_defined import check_labels, take_labels, take_version, with_labels
from ledger.identity import check_name


@dataclass(frozen=True)
class ModelDefinition:
    """``kind`` names how ``parameters`` (plain JSON data) compute an output from a row."""

    name: str
    version: int
    kind: str
    parameters: dict[str, Any]
    owner: str = ""
    tags: tuple[str, ...] = ()
    description: str = ""

    def __post_init__(self) -> None:
        check_name(self.name, "model")
        check_name(self.kind, "kind")
        check_labels(self.owner, self.description, self.tags)

    @property
    def label(self) -> str:
        """``name@version``."""
        return f"{self.name}@{self.version}"

    def same_as(self, other: ModelDefinition) -> bool:
        """Whether both say the same, versions aside."""
        return self.to_json() | {"version": 0} == other.to_json() | {"version": 0}

    def to_json(self) -> dict[str, Any]:
        """The definition as plain data."""
        data = {"name": self.name, "version": self.version, "kind": self.kind, "parameters": self.parameters}
        return with_labels(data, self)


class ModelDefined(Fact):
    """A model was defined, or defined anew with the next version.

    {"definition":{"name":"risk","version":1,"kind":"linear","parameters":{"features":["trips"],...}}}
    """

    __slots__ = ("definition",)
    type = "model_defined"

    def __init__(self, definition: ModelDefinition) -> None:
        self.definition = definition

    def to_json(self, time: int) -> dict[str, Any]:
        """See the class."""
        return {"definition": self.definition.to_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any], reading: Reading) -> ModelDefined:
        """See the class."""
        body = take(data, "definition", dict)
        definition = ModelDefinition(
            name=take(body, "name", str),
            version=take_version(body),
            kind=take(body, "kind", str),
            parameters=check_plain(take(body, "parameters", dict), "a model's parameters"),
            **take_labels(body),
        )
        return cls(definition)
