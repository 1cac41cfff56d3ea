"""A view was defined: a named, versioned table of features of one kind of entity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ledger.errors import DefinitionError, InvalidInput
from ledger.facts.fact import Fact, Reading, take
from ledger.identity import check_name
from ledger.times import MAX_MICROS
from ledger.values.feature_types import Bool, Category, FeatureType, Float, Int, Text, Timestamp
from ledger.values.vector_type import Vector

MAX_FEATURES = 10_000
_TYPES: dict[str, type[FeatureType]] = {
    kind.name: kind for kind in (Bool, Category, Float, Int, Text, Timestamp, Vector)
}


@dataclass(frozen=True)
class ViewDefinition:
    """Features by name with their types; ``ttl`` in microseconds, None = values never expire."""

    name: str
    version: int
    entity: str
    features: Mapping[str, FeatureType]
    ttl: int | None = None
    owner: str = ""
    tags: tuple[str, ...] = ()
    description: str = ""

    def __post_init__(self) -> None:
        check_name(self.name, "view")
        check_name(self.entity, "entity")
        for name, kind in self.features.items():
            check_name(name, "feature")
            if name == self.entity:
                rule = "a feature is not named like the view's kind of entity: batches name their ids so"
                raise DefinitionError(rule, view=self.name, feature=name)
            if not isinstance(kind, FeatureType):
                raise DefinitionError(FeatureType.rule_of("a feature", kind), view=self.name, feature=name, type=kind)
        if not 1 <= len(self.features) <= MAX_FEATURES:
            rule = f"a view has 1 to {MAX_FEATURES} features"
            raise DefinitionError(rule, view=self.name, features=len(self.features))
        check_labels(self.owner, self.description, self.tags)

    @property
    def label(self) -> str:
        """``name@version``."""
        return f"{self.name}@{self.version}"

    def same_as(self, other: ViewDefinition) -> bool:
        """Whether both say the same, versions aside."""
        return self.to_json() | {"version": 0} == other.to_json() | {"version": 0}

    def to_json(self) -> dict[str, Any]:
        """The definition as plain data; features keep their order."""
        data: dict[str, Any] = {"name": self.name, "version": self.version, "entity": self.entity}
        data["features"] = [{"name": name, **kind.definition()} for name, kind in self.features.items()]
        return with_labels(data, self)


class ViewDefined(Fact):
    """A view was defined, or defined anew with the next version.

    {"definition":{"name":"drivers","version":1,"entity":"driver","features":[{"name":"trips","type":"int"}]}}
    """

    __slots__ = ("definition",)
    type = "view_defined"

    def __init__(self, definition: ViewDefinition) -> None:
        self.definition = definition

    @property
    def views(self) -> tuple[str, ...]:
        """The view defined."""
        return (self.definition.name,)

    def to_json(self, time: int) -> dict[str, Any]:
        """See the class."""
        return {"definition": self.definition.to_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any], reading: Reading) -> ViewDefined:
        """See the class."""
        body = take(data, "definition", dict)
        features: dict[str, FeatureType] = {}
        for item in take(body, "features", list):
            name, kind = feature_from_json(item)
            if name in features:
                raise InvalidInput("a feature is defined once in a version of a view", feature=name)
            features[name] = kind
        ttl = take(body, "ttl", int) if "ttl" in body else None
        if ttl is not None and not 0 < ttl <= MAX_MICROS:
            raise InvalidInput("a stored time to live is positive microseconds", ttl=ttl)
        definition = ViewDefinition(
            name=take(body, "name", str),
            version=take_version(body),
            entity=take(body, "entity", str),
            features=features,
            ttl=ttl,
            **take_labels(body),
        )
        return cls(definition)


def feature_from_json(item: Any) -> tuple[str, FeatureType]:
    """Name and type of a stored feature."""
    if type(item) is not dict:
        raise InvalidInput("a stored feature is an object", value=item)
    data = dict(item)
    name = check_name(data.pop("name", None), "feature")
    return name, type_from_json(data)


def type_from_json(data: dict[str, Any]) -> FeatureType:
    """The feature type of its definition as plain data; unknown names are refused."""
    data = dict(data)
    kind = _TYPES.get(take(data, "type", str))
    if kind is None:
        raise InvalidInput("a feature type is one of these", known=sorted(_TYPES), value=data)
    default = data.pop("default", None)
    if kind is Vector and not {"dim", "metric", "dtype"} <= data.keys():
        raise InvalidInput("a stored vector type names its dimension, metric and element type", value=data)
    try:
        bare = kind(**data)
        return (
            bare
            if default is None
            else kind(**data, default=bare.from_json(default) if kind is Vector else bare.show(bare.from_json(default)))
        )
    except TypeError as error:
        raise InvalidInput(
            "a feature type has only its own arguments", type=kind.name, arguments=sorted(data)
        ) from error


def check_labels(owner: str, description: str, tags: tuple[str, ...]) -> None:
    """Owner, description and tags are text."""
    for label in (owner, description, *tags):
        if not isinstance(label, str):
            raise DefinitionError("owner, description and tags are text", value=label)
        try:
            label.encode()
        except UnicodeEncodeError as error:
            raise DefinitionError("owner, description and tags are encodable as UTF-8", value=label) from error


def with_labels(data: dict[str, Any], definition: Any) -> dict[str, Any]:
    """The plain data with those labels that are set."""
    for name in ("ttl", "owner", "description"):
        if getattr(definition, name, None):
            data[name] = getattr(definition, name)
    if definition.tags:
        data["tags"] = list(definition.tags)
    return data


def take_version(body: dict[str, Any]) -> int:
    """Take the version of a definition."""
    version: int = take(body, "version", int)
    if version < 1:
        raise InvalidInput("versions count from 1", version=version)
    return version


def take_labels(body: dict[str, Any]) -> dict[str, Any]:
    """Take the labels; whatever is left then is unknown."""
    labels: dict[str, Any] = {name: take(body, name, str) for name in ("owner", "description") if name in body}
    if "tags" in body:
        labels["tags"] = tuple(take(body, "tags", list))
    if body:
        raise InvalidInput("a stored definition has only known fields", unknown=sorted(body))
    return labels
