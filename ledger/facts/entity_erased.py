"""An entity was erased: its values are gone from every event before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from ledger.errors import InvalidInput
from ledger.facts.fact import Reading, ref_from_json, refs_to_json, take
from ledger.facts.plain_json import check_plain_text
from ledger.facts.vouched import Vouching, take_lines


class Unfounded(NamedTuple):
    """What was made of the erased values and stays, though the log can no longer make it again.

    References of ``versions``, labels of fitted ``pipelines``, names of ``training_sets``. Predictions that came
    by one of these are not listed: their own record names what they came by.
    """

    versions: tuple[int, ...] = ()
    pipelines: tuple[str, ...] = ()
    training_sets: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The stored form: what there is."""
        versions = refs_to_json(self.versions)
        data = {"versions": versions, "pipelines": list(self.pipelines), "training_sets": list(self.training_sets)}
        return {name: items for name, items in data.items() if items}


NOTHING: Final = Unfounded()


class EntityErased(Vouching):
    """Entities of a view were erased, ``entities`` of them; it never says which.

        {"view":"drivers","entities":1,"reason":"request 4711","unfounded":{"pipelines":["ranker#1"]},
         "lines":[41,57],"digests":"<base64>"}

    ``unfounded``, left out where there is nothing, marks what was made of them.
    """

    __slots__ = ("entities", "reason", "unfounded", "view")
    type = "entity_erased"

    def __init__(
        self, view: str, entities: int, reason: str, lines: Mapping[int, bytes], unfounded: Unfounded = NOTHING
    ) -> None:
        super().__init__(lines)
        self.view = view
        self.entities = entities
        self.reason = reason
        self.unfounded = unfounded

    @property
    def views(self) -> tuple[str, ...]:
        """Its view."""
        return (self.view,)

    def to_json(self, time: int) -> dict[str, Any]:
        """See the class."""
        data: dict[str, Any] = {"view": self.view, "entities": self.entities, "reason": self.reason}
        if any(self.unfounded):
            data["unfounded"] = self.unfounded.to_json()
        return {**data, **self.lines_to_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any], reading: Reading) -> EntityErased:
        """See the class."""
        view, entities = take(data, "view", str), take(data, "entities", int)
        reason = check_plain_text(take(data, "reason", str), "a reason")
        if entities < 1 or not reason:
            raise InvalidInput("at least one entity is erased, for a reason", entities=entities, reason=reason)
        return cls(view, entities, reason, take_lines(data, reading), _take_unfounded(data, reading))


def _take_unfounded(data: dict[str, Any], reading: Reading) -> Unfounded:
    if "unfounded" not in data:
        return NOTHING
    body = take(data, "unfounded", dict)
    refs = tuple(map(ref_from_json, take(body, "versions", list))) if "versions" in body else ()
    pipelines, sets = (_take_texts(body, name) for name in ("pipelines", "training_sets"))
    found = Unfounded(refs, pipelines, sets)
    if body or not any(found):
        raise InvalidInput("what is unfounded is named by its kind", unknown=sorted(body))
    if any(ref >= reading.ref for ref in refs):
        raise InvalidInput("only what is there can be unfounded", offset=reading.offset)
    return found


def _take_texts(body: dict[str, Any], name: str) -> tuple[str, ...]:
    texts = take(body, name, list) if name in body else []
    if any(type(text) is not str or not text for text in texts):
        raise InvalidInput("what is unfounded has a name", kind=name)
    return tuple(check_plain_text(text, name) for text in texts)
