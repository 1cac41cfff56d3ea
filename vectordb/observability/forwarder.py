"""A forwarder: stands for a method while somebody is observed, and asks whether it is this database.

It is generated with the method's own signature: packing ``*arguments, **options`` for every call costs 0.3 us, which
databases that nobody observes would pay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache, wraps
from inspect import Parameter, signature
from operator import attrgetter
from typing import Any, Final

from vectordb.observability.observation import Observers

Told = Callable[["tuple[Any, ...]", "dict[str, Any]"], Any]
BY_PLACE: Final = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


def forwarder(plain: Callable[..., Any], reader: Any, everywhere: Observers, told: Told) -> Any:
    """What calls ``plain``, or ``told(arguments, options)`` where there are hooks of its database or of all.

    ``reader`` finds the database or past of the object that is asked: an ``attrgetter``, or the identity.
    """
    given = list(signature(plain).parameters.values())
    names: dict[str, Any] = {"plain__": plain, "told__": told, "every__": everywhere}
    names |= {f"default_{one.name}": one.default for one in given}
    exec(_code(_source(given, _path(reader))), names)
    return wraps(plain)(names["observed"])


def _path(reader: Any) -> str:
    """The attribute that an attrgetter takes, after a dot."""
    return f".{reader.__reduce__()[1][0]}" if isinstance(reader, attrgetter) else ""


def _source(given: list[Parameter], path: str) -> str:
    by_place = [one.name for one in given if one.kind in BY_PLACE]
    by_name = [one.name for one in given if one.kind is Parameter.KEYWORD_ONLY]
    rest = [f"*{one.name}" for one in given if one.kind is Parameter.VAR_POSITIONAL]
    named = [f"**{one.name}" for one in given if one.kind is Parameter.VAR_KEYWORD]
    passed = ", ".join([*by_place, *rest, *(f"{name}={name}" for name in by_name), *named])
    options = ", ".join([*(f"{name!r}: {name}" for name in by_name), *named])
    return f"""
def observed({", ".join(_declared(given))}):
    own__ = {by_place[0]}{path}.state.observers
    if (own__ is None or not own__.hooks) and not every__.hooks:
        return plain__({passed})
    return told__(({", ".join([*by_place, *rest])},), {{{options}}})
"""


def _declared(given: Iterable[Parameter]) -> list[str]:
    """The parameters as they are declared, their defaults by name."""
    parts: list[str] = []
    starred = False
    for one in given:
        default = "" if one.default is Parameter.empty else f"=default_{one.name}"
        if one.kind is Parameter.KEYWORD_ONLY and not starred:
            parts.append("*")
            starred = True
        elif one.kind is Parameter.VAR_POSITIONAL:
            starred = True
        star = {Parameter.VAR_POSITIONAL: "*", Parameter.VAR_KEYWORD: "**"}.get(one.kind, "")
        parts.append(f"{star}{one.name}{default}")
        if one.kind is Parameter.POSITIONAL_ONLY:
            parts.append("/")
    return [part for place, part in enumerate(parts) if part != "/" or "/" not in parts[place + 1 :]]


@lru_cache(maxsize=1024)
def _code(source: str) -> Any:
    """Methods of one signature share their code, and a hook that comes back compiles nothing again."""
    return compile(source, "<observed>", "exec")
