"""Parametrized: what is defined by the parameters of its constructor, by scikit-learn's protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from ledger import InvalidInput
from vectordb.transforms.parameters import defaults_of, parameters_of, same_parameter


class Parametrized:
    """Keeps what its constructor takes untouched, under the same names; objects inside have parameters of their own."""

    __slots__ = ()

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters; ``deep`` adds those of objects inside as ``name__parameter``."""
        found = {name: getattr(self, name) for name in parameters_of(type(self))}
        return {**found, **self._params_inside(found)} if deep else found

    def _params_inside(self, own: Mapping[str, Any]) -> dict[str, Any]:
        found = dict(self._children())
        for name, value in {**own, **found}.items():
            if isinstance(value, Parametrized):
                found[name] = value
                found.update({f"{name}__{key}": inner for key, inner in value.get_params().items()})
        return found

    def _children(self) -> Sequence[tuple[str, Any]]:
        """Named objects inside."""
        return ()

    def set_params(self, **params: Any) -> Self:
        """Set parameters, those of objects inside as ``name__parameter``; an unknown one is refused."""
        nested: dict[str, dict[str, Any]] = {}
        own = parameters_of(type(self))
        for key in sorted(params, key=lambda key: key not in own):  # parts are set in what holds them from now on
            value = params[key]
            name, inside, rest = key.partition("__")
            if inside:
                nested.setdefault(name, {})[rest] = value
            elif name in own:
                setattr(self, name, value)
            elif name in dict(self._children()):
                self._replace_child(name, value)
            else:
                raise InvalidInput("the transformer has no such parameter", parameter=key, known=list(own))
        for name, values in nested.items():
            child: Any = dict(self._children()).get(name, getattr(self, name, None) if name in own else None)
            if not hasattr(child, "set_params"):
                raise InvalidInput("the transformer has no such parameter", parameter=name, known=list(own))
            child.set_params(**values)
        self._changed()
        return self

    def _replace_child(self, name: str, value: Any) -> None:
        raise NotImplementedError

    def _changed(self) -> None:
        """Drop what rests on the parameters that were there before."""

    def __repr__(self) -> str:
        defaults = defaults_of(type(self))
        changed = [
            f"{name}={getattr(self, name)!r}"
            for name in parameters_of(type(self))
            if name not in defaults or not same_parameter(getattr(self, name), defaults[name])
        ]
        return f"{type(self).__name__}({', '.join(changed)})"
