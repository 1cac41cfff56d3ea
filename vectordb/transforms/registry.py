"""The registry: every transformer by the name under which it is stored; nothing else can be loaded."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from ledger import InvalidInput, parse_json
from vectordb.transforms import composing, encoding, filling, functions, scaling, shaping, times
from vectordb.transforms.base import WIDEST, Transformer
from vectordb.transforms.composing import OfType
from vectordb.transforms.parameters import parameters_of, read_parameter
from vectordb.transforms.program import Program
from vectordb.transforms.shapes import refuse

DEEPEST: Final = 32
MOST_COLUMNS: Final = 2**18  # of all transformers of a definition, each once for every one that it stands in
COLUMNS: Final = ("n_features_in_", "n_output_features_", "n_features")  # how many there are, in a few bytes
FAMILIES: Final = (scaling, filling, shaping, encoding, times, functions, composing)
TRANSFORMERS: Final[dict[str, type[Transformer]]] = {
    name: kind
    for family in FAMILIES
    for name in family.__all__
    if isinstance(kind := getattr(family, name), type) and issubclass(kind, Transformer)
}


def transformer_from_dict(plain: Any, place: str = "transformer") -> Transformer:
    """The transformer of a stored form, fitted where that is; runs nothing, and imports nothing by name.

    An unknown type or parameter, or anything malformed, is refused with the place named (``InvalidInput``).

    >>> transformer_from_dict({"type": "StandardScaler", "parameters": {"with_mean": False}})
    StandardScaler(with_mean=False)
    """
    if not isinstance(plain, Mapping) or not {"type", "parameters"} <= set(plain) <= {"type", "parameters", "fitted"}:
        raise refuse("an object of type, parameters and perhaps fitted", place, plain)
    kind = TRANSFORMERS.get(plain["type"]) if isinstance(plain["type"], str) else None
    if kind is None:
        raise InvalidInput("no transformer of that name", place=f"{place}.type", type=plain["type"])
    given = plain["parameters"]
    unknown = set(given) - set(parameters_of(kind)) if isinstance(given, Mapping) else {"not an object"}
    if unknown:
        raise refuse(f"parameters of {kind.__name__}", f"{place}.parameters", sorted(map(str, unknown)))
    depth = place.count(".parameters.") + place.count(".fitted.")
    if not depth:
        _check_columns(plain, place)
    if depth > DEEPEST:
        raise refuse(f"at most {DEEPEST} transformers inside one another", place, kind.__name__)
    makers: dict[str, Callable[[Any, str], Any]] = {"transformer": transformer_from_dict, "types": OfType.from_plain}
    try:
        inside = {name: read_parameter(value, f"{place}.parameters.{name}", makers) for name, value in given.items()}
        made = kind(**inside)
        if "fitted" in plain:
            _read_fitted(made, plain["fitted"], f"{place}.fitted")
    except InvalidInput:
        raise
    except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
        raise refuse(f"a {kind.__name__} ({error})", place, plain.get("fitted", given)) from error
    return made


def _check_columns(plain: Any, place: str) -> None:
    """Refuse a definition of a few bytes that says it has columns enough to fill the memory."""
    found, parts = 0, [(plain, 0)]
    while parts:
        part, depth = parts.pop()
        if isinstance(part, Mapping):
            depth += "type" in part
            counts = [part[name] for name in COLUMNS if type(part.get(name)) is int]
            found += depth * sum(count for count in counts if 0 < count <= WIDEST)  # ints; others are refused in place
            parts += [(item, depth) for item in part.values() if isinstance(item, (Mapping, list, tuple))]
        else:
            parts += [(item, depth) for item in part if isinstance(item, (Mapping, list, tuple))]
    if found > MOST_COLUMNS:
        raise refuse(f"at most {MOST_COLUMNS} columns, those of all parts together", place, found)


def _read_fitted(made: Transformer, plain: Any, place: str) -> None:
    """What was learnt, checked so far that its program can be written."""
    made._check()
    made._read_fitted(plain, place)
    labels = tuple(made._names_in(0))
    program = Program(labels, ("float" if made._numeric else "category",) * len(labels))
    outputs = made._write(program, program.inputs)
    if len(outputs) != len(made.get_feature_names_out()):
        raise refuse("as many outputs as names", place, len(outputs))


def dumps(transformer: Transformer) -> str:
    """The stored form as JSON."""
    return json.dumps(transformer.to_dict(), ensure_ascii=False, allow_nan=False)


def loads(text: str | bytes) -> Transformer:
    """See ``dumps``. Raises ``InvalidInput`` for a text that is no stored transformer."""
    try:
        plain = parse_json(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"a stored transformer is JSON: {error}") from error
    return transformer_from_dict(plain)
