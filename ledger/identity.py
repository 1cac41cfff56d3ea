"""Names, entity ids, references and version ids: how things are called.

A **reference** is one int, ``offset << 24 | row``: its order is the log's total order (offset, row),
and 2**24 rows are more than an event of 64 MiB can hold. A **version id** is its readable form,
``view/entity@offset`` with ``.row`` where the event has more than one row. Rows count from 0, as the
columns of ``put_many`` do. The entity part is for people: a lookup goes by (offset, row) and then
checks that the entity is the one named.
"""

from __future__ import annotations

import json
import re
from operator import index
from typing import Any, NamedTuple, TypeAlias

from ledger.errors import InvalidEntity, InvalidName, InvalidVersion

Scalar: TypeAlias = "str | int"
Entity: TypeAlias = "str | int | tuple[str | int, ...]"

ROW_BITS = 24
ROW_MASK = (1 << ROW_BITS) - 1
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_VERSION = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)/(.+)@([1-9][0-9]{0,11})(?:\.([0-9]{1,8}))?\Z", re.DOTALL)
_PLAIN = re.compile(r"[^0-9\[\"\-\s][^\x00-\x1f]*\Z")
_MAX_BITS = 4096  # an int id longer than this is a mistake, and its decimal text has a limit in CPython


class VersionId(NamedTuple):
    """The parts of a version id."""

    collection: str
    entity: Entity
    offset: int
    row: int | None

    @property
    def ref(self) -> int:
        """The reference: offset and row in one int."""
        return self.offset << ROW_BITS | (self.row or 0)


def check_name(name: object, what: str = "name") -> str:
    """The name itself when it is well formed."""
    if isinstance(name, str) and _NAME.match(name):
        return str.__str__(name)
    raise InvalidName("a name matches [A-Za-z_][A-Za-z0-9_]*", **{what: name})


def parse_label(label: str) -> tuple[str, int | None]:
    """Name and version of ``name`` or ``name@version``; version 0, which there never is, for anything else.

    >>> parse_label("risk@2"), parse_label("risk"), parse_label("risk@x")
    (('risk', 2), ('risk', None), ('risk', 0))
    """
    name, at, version = label.partition("@")
    if not at:
        return name, None
    return name, int(version) if version.isascii() and version.isdecimal() and len(version) < 10 else 0


def check_entity(entity: object) -> Entity:
    """The entity id in its plain form: a non-empty str, an int, or a flat tuple of these.

    >>> check_entity(("eu", 7)), check_entity("d-7")
    (('eu', 7), 'd-7')
    """
    if type(entity) is str and entity and entity.isascii():  # the common case first: 60 ns
        return entity
    if isinstance(entity, tuple):
        if not entity:
            raise InvalidEntity("a tuple entity id has at least one part", entity=entity)
        return tuple(_check_scalar(part, entity) for part in entity)
    return _check_scalar(entity, entity)


def _check_scalar(part: object, whole: object) -> Scalar:
    if isinstance(part, str):
        return _check_text(part, whole)
    if not isinstance(part, (bool, float)):
        try:
            number = index(part)  # type: ignore[arg-type]
        except TypeError:
            pass
        else:
            if number.bit_length() <= _MAX_BITS:
                return number
            raise InvalidEntity(f"an int entity id has at most {_MAX_BITS} bits", bits=number.bit_length())
    rule = "an entity id is a str, an int, or a flat tuple of these"
    raise InvalidEntity(rule, entity=whole, type=type(part).__name__)


def _check_text(part: str, whole: object) -> str:
    if not part:
        raise InvalidEntity("a str entity id is not empty", entity=whole)
    try:
        part.encode()
    except UnicodeEncodeError as error:
        raise InvalidEntity("a str entity id is encodable as UTF-8", entity=whole) from error
    return str.__str__(part)


def entity_to_json(entity: Entity) -> Any:
    """Its JSON form: string, number or array."""
    return list(entity) if type(entity) is tuple else entity


def entity_from_json(value: Any) -> Entity:
    """The entity of a JSON form; refuses what no writer wrote."""
    if type(value) is list:
        return check_entity(tuple(value))
    if type(value) is tuple:
        raise InvalidEntity("an entity id in a file is a string, number or array", entity=value)
    return check_entity(value)


def render_entity(entity: Entity) -> str:
    """Readable and injective: a str as it is unless it could be read as something else, else JSON.

    >>> [render_entity(e) for e in ("d-7", 7, "7", ("eu", 7))]
    ['d-7', '7', '"7"', '["eu",7]']
    """
    if type(entity) is str and _PLAIN.match(entity):
        return entity
    return json.dumps(entity_to_json(entity), ensure_ascii=False, separators=(",", ":"))


def parse_entity(text: str) -> Entity:
    """The inverse of ``render_entity``."""
    if _PLAIN.match(text):
        return text
    try:
        return entity_from_json(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise InvalidVersion("an entity in a version id is plain text or JSON", entity=text) from error


def render_version(collection: str, entity: Entity, ref: int, rows: int = 1) -> str:
    """``collection/entity@offset``, with ``.row`` when the event has more than one row."""
    text = f"{collection}/{render_entity(entity)}@{ref >> ROW_BITS}"
    return f"{text}.{ref & ROW_MASK}" if rows > 1 else text


def parse_version(text: object) -> VersionId:
    """The parts of a version id.

    >>> parse_version("drivers/d-7@42.3")
    VersionId(collection='drivers', entity='d-7', offset=42, row=3)
    """
    match = _VERSION.match(text) if isinstance(text, str) else None
    if match is None:
        raise InvalidVersion("a version id reads view/entity@offset or view/entity@offset.row", value=text)
    collection, text_id, offset, row = match.groups()
    entity, number = parse_entity(text_id), None if row is None else int(row)
    if render_entity(entity) != text_id or (row is not None and (str(number) != row or int(row) > ROW_MASK)):
        raise InvalidVersion("a version has one id: no other spelling, and a row below 2**24", value=text)
    return VersionId(collection, entity, int(offset), number)
