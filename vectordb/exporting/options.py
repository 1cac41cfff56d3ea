"""Options of formats."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypedDict

from ledger import InvalidInput


class GivenOptions(TypedDict, total=False):
    """What an export takes besides its own parameters: see ``Options``."""

    null: str
    missing: str
    formula_safe: bool
    compress: bool


class Options(NamedTuple):
    """``null`` and ``missing``: what CSV writes for them, unquoted. ``formula_safe``: CSV's texts that a spreadsheet
    would run get an apostrophe in front. ``compress``: npz is deflated."""

    null: str = ""
    missing: str = ""
    formula_safe: bool = False
    compress: bool = False

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Options:
        """Those given, else the defaults."""
        unknown = sorted(set(given) - set(cls._fields))
        if unknown:
            raise InvalidInput("an export takes these options", unknown=unknown, known=list(cls._fields))
        options = cls(**given)
        for text in (options.null, options.missing):
            if not isinstance(text, str) or not set(text).isdisjoint('",\r\n'):
                raise InvalidInput("a marker of CSV is text that needs no quotes", marker=text)
        for flag in (options.formula_safe, options.compress):
            if type(flag) is not bool:
                raise InvalidInput("formula_safe and compress are True or False", given=flag)
        return options
