"""A feature service was defined: the list of features that a model asks for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ledger.errors import DefinitionError, InvalidInput
from ledger.facts.fact import Fact, Reading, take
from ledger.facts.pipeline_fitted import check_pipeline, unfitted_form
from ledger.facts.view_defined import check_labels, feature_from_json, take_labels, take_version, with_labels
from ledger.identity import check_name
from ledger.values.feature_types import FeatureType


@dataclass(frozen=True)
class FeatureRef:
    """A feature of a view, written ``view:feature``."""

    view: str
    feature: str

    def __str__(self) -> str:
        return f"{self.view}:{self.feature}"


@dataclass(frozen=True)
class Request:
    """An input that comes with the request, not from the store.

    >>> from ledger.values.feature_types import Float
    >>> Request("distance_km", Float()).name
    'distance_km'
    """

    name: str
    type: FeatureType

    def __post_init__(self) -> None:
        check_name(self.name, "request input")
        if not isinstance(self.type, FeatureType):
            raise DefinitionError(FeatureType.rule_of("a request input", self.type), name=self.name, type=self.type)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class ServiceDefinition:
    """Features of one or several kinds of entity, and request inputs, in the model's order."""

    name: str
    version: int
    features: tuple[FeatureRef | Request, ...]
    pipeline: dict[str, Any] | None = None  # the stored form of its transformer, fitted or not
    owner: str = ""
    tags: tuple[str, ...] = ()
    description: str = ""

    def __post_init__(self) -> None:
        check_name(self.name, "service")
        check_labels(self.owner, self.description, self.tags)
        if not self.features:
            raise DefinitionError("a service has at least one feature", service=self.name)
        if len(set(self.keys)) < len(self.features):
            raise DefinitionError("a service names each feature once", service=self.name, features=self.keys)

    @property
    def label(self) -> str:
        """``name@version``."""
        return f"{self.name}@{self.version}"

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The name of each input in a row: the feature's own, or ``view:feature`` where two views share it."""
        short = [item.name if isinstance(item, Request) else item.feature for item in self.features]
        times = Counter(short)
        return tuple(
            name if times[name] == 1 or isinstance(item, Request) else str(item)
            for name, item in zip(short, self.features, strict=True)
        )

    @property
    def views(self) -> tuple[str, ...]:
        """The views that it reads, each once, in order of first use."""
        return tuple(dict.fromkeys(item.view for item in self.features if isinstance(item, FeatureRef)))

    def same_as(self, other: ServiceDefinition) -> bool:
        """Whether both say the same, versions aside."""
        return self.to_json() | {"version": 0} == other.to_json() | {"version": 0}

    @property
    def is_fitted(self) -> bool:
        """Whether its pipeline came fitted."""
        return self.pipeline is not None and "fitted" in self.pipeline

    def brings_a_pipeline(self, before: ServiceDefinition | None) -> bool:
        """Whether a version comes with a fitted pipeline that is not the one of the version before."""
        same = before is not None and before.features == self.features and before.pipeline == self.pipeline
        return self.is_fitted and not same

    def transforms_like(self, other: ServiceDefinition) -> bool:
        """Whether a pipeline fitted for another version serves this one: same inputs, same transformations."""
        if self.features != other.features or self.pipeline is None or other.pipeline is None:
            return False
        return bool(unfitted_form(self.pipeline) == unfitted_form(other.pipeline))

    def to_json(self) -> dict[str, Any]:
        """The definition as plain data."""
        features: list[Any] = [
            {"request": item.name, **item.type.definition()} if isinstance(item, Request) else str(item)
            for item in self.features
        ]
        data = {"name": self.name, "version": self.version, "features": features}
        return with_labels(data if self.pipeline is None else {**data, "pipeline": self.pipeline}, self)


class ServiceDefined(Fact):
    """A service was defined, or defined anew with the next version.

    {"definition":{"name":"ranker","version":1,"features":["drivers:trips",{"request":"km","type":"float"}]}}
    """

    __slots__ = ("definition",)
    type = "service_defined"

    def __init__(self, definition: ServiceDefinition) -> None:
        self.definition = definition

    def to_json(self, time: int) -> dict[str, Any]:
        """See the class."""
        return {"definition": self.definition.to_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any], reading: Reading) -> ServiceDefined:
        """See the class."""
        body = take(data, "definition", dict)
        return cls(
            ServiceDefinition(
                name=take(body, "name", str),
                version=take_version(body),
                features=tuple(map(parse_input, take(body, "features", list))),
                pipeline=check_pipeline(take(body, "pipeline", dict)) if "pipeline" in body else None,
                **take_labels(body),
            )
        )


def parse_input(item: Any) -> FeatureRef | Request:
    """A service's input from ``"view:feature"``, a ``Request``, or a request's stored form."""
    if isinstance(item, (FeatureRef, Request)):
        return item
    if isinstance(item, str):
        view, colon, feature = item.partition(":")
        if not colon:
            raise DefinitionError("a feature of a service reads view:feature", value=item)
        return FeatureRef(check_name(view, "view"), check_name(feature, "feature"))
    if isinstance(item, dict) and "request" in item:
        if "name" in item:
            raise InvalidInput("a request input is named by request", value=item)
        named = {("name" if key == "request" else key): value for key, value in item.items()}
        return Request(*feature_from_json(named))
    raise InvalidInput("a service's input is view:feature or a Request", value=item)
