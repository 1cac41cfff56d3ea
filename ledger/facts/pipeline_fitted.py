"""A pipeline was fitted: what a service's transformations learnt, from which rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from ledger.errors import InvalidInput
from ledger.facts.fact import Fact, Reading, check_event_time, take, take_text
from ledger.facts.plain_json import check_plain, check_plain_text
from ledger.facts.view_defined import take_version

SHALLOWER: Final = -160  # transformers inside one another take six levels each: 192 in all, where others have 32


@dataclass(frozen=True)
class FittedPipeline:
    """One version of the pipeline of a service; versions count through all versions of the service.

    ``pipeline`` is the stored form of the fitted transformer. ``as_of`` and ``at`` are offset and clock of the read
    that it was fitted on, ``views`` the versions of the views that it saw, ``rows`` how many rows, ``target`` the
    column of labels, ``spine`` the SHA-256 of the moments where there were some. One that came with its service
    (``given``) was fitted elsewhere: it has none of these.
    """

    service: str
    version: int
    pipeline: dict[str, Any]
    as_of: int = 0
    at: int = 0
    views: tuple[str, ...] = ()
    rows: int = 0
    target: str = ""
    spine: str = ""

    @property
    def name(self) -> str:
        """The name of the service."""
        return self.service.partition("@")[0]

    @property
    def label(self) -> str:
        """``service#version``."""
        return f"{self.name}#{self.version}"

    @property
    def given(self) -> bool:
        """Whether it came with the definition of the service."""
        return not self.rows

    def to_json(self) -> dict[str, Any]:
        """The stored form."""
        data: dict[str, Any] = {"service": self.service, "version": self.version}
        if self.rows:
            data |= {"as_of": self.as_of, "at": self.at, "views": list(self.views), "rows": self.rows}
        texts = {"target": self.target, "spine": self.spine}
        return {**data, **{name: text for name, text in texts.items() if text}, "pipeline": self.pipeline}


class PipelineFitted(Fact):
    """The pipeline of a service was fitted on the ledger.

    {"fitted":{"service":"ranker@1","version":1,"as_of":41,"at":1700000000000000,"views":["drivers@1"],"rows":90,
    "pipeline":{"type":"StandardScaler","parameters":{...},"fitted":{...}}}}
    """

    __slots__ = ("fitted",)
    type = "pipeline_fitted"

    def __init__(self, fitted: FittedPipeline) -> None:
        self.fitted = fitted

    def to_json(self, time: int) -> dict[str, Any]:
        """See the class."""
        return {"fitted": self.fitted.to_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any], reading: Reading) -> PipelineFitted:
        """See the class."""
        fitted = fitted_from_json(take(data, "fitted", dict))
        if not 0 < fitted.as_of < reading.offset or fitted.rows < 1:
            rule = "a pipeline is fitted on at least one row, as of an earlier offset"
            raise InvalidInput(rule, as_of=fitted.as_of, rows=fitted.rows, offset=reading.offset)
        return cls(fitted)


def fitted_from_json(data: dict[str, Any]) -> FittedPipeline:
    """A fitted pipeline from its stored form."""
    body = dict(data)
    given = "rows" not in body
    found = FittedPipeline(
        service=check_plain_text(take(body, "service", str), "a service"),
        version=take_version(body),
        as_of=0 if given else take(body, "as_of", int),
        at=0 if given else check_event_time(body.pop("at", None)),
        views=() if given else tuple(map(_label, take(body, "views", list))),
        rows=0 if given else take(body, "rows", int),
        target=check_plain_text(take_text(body, "target") or "", "a target"),
        spine=take_text(body, "spine") or "",
        pipeline=check_pipeline(take(body, "pipeline", dict)),
    )
    if body or (data.get("target", "x") == "" or data.get("spine", "x") == ""):
        raise InvalidInput("a stored pipeline has no other fields", unknown=sorted(body))
    if "fitted" not in found.pipeline:
        raise InvalidInput("a fitted pipeline says what was learnt", service=found.service)
    return found


def _label(value: Any) -> str:
    if type(value) is not str or "@" not in value:
        raise InvalidInput("a pipeline saw versions of views", view=value)
    return check_plain_text(value, "a view")


def check_pipeline(value: Any) -> dict[str, Any]:
    """The stored form of a transformer, as plain data; what it says is checked by who builds it."""
    plain = check_plain(value, "a pipeline", SHALLOWER)
    if not isinstance(plain, dict) or not {"type", "parameters"} <= set(plain) <= {"type", "parameters", "fitted"}:
        raise InvalidInput("a pipeline is stored as type, parameters and what was learnt", pipeline=plain)
    return plain


def unfitted_form(plain: Any) -> Any:
    """The definition alone: a stored form without what was learnt, in parts too."""
    if isinstance(plain, dict):
        is_transformer = {"type", "parameters"} <= set(plain)
        return {key: unfitted_form(item) for key, item in plain.items() if not (is_transformer and key == "fitted")}
    return [unfitted_form(item) for item in plain] if isinstance(plain, list) else plain
