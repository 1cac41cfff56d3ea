"""From a definition to a model that can be asked."""

from __future__ import annotations

from typing import Final

from ledger import DefinitionError, ModelDefinition
from vectordb.models.linear import Linear, Logistic
from vectordb.models.model import Model
from vectordb.models.tree import Tree

KINDS: Final[dict[str, type[Model]]] = {kind.kind: kind for kind in (Linear, Logistic, Tree)}


def build_model(definition: ModelDefinition) -> Model:
    """The model of a definition; an unknown kind is refused, no code is loaded by name."""
    kind = KINDS.get(definition.kind)
    if kind is None:
        raise DefinitionError(
            "a model's kind is known", model=definition.label, kind=definition.kind, known=sorted(KINDS)
        )
    return kind(definition)


def check_model(definition: ModelDefinition) -> ModelDefinition:
    """The definition itself, once a model can be built from it."""
    build_model(definition)
    return definition
