"""The report of a verification: what was checked, how much of it, and the first difference with its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

LONGEST: Final = 200  # characters of a value


@dataclass(frozen=True)
class Deviation:
    """Where, what was expected there, and what was found."""

    place: str
    expected: Any
    found: Any

    def __str__(self) -> str:
        return f"{self.place}: {_short(self.found)} instead of {_short(self.expected)}"

    def to_dict(self) -> dict[str, str]:
        """As texts, shortened."""
        return {"place": self.place, "expected": _short(self.expected), "found": _short(self.found)}


@dataclass(frozen=True)
class Check:
    """One rule: how many things were looked at, the first that broke it, and what could not be looked at, and why."""

    name: str
    count: int
    difference: Deviation | None = None
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing broke the rule."""
        return self.difference is None

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        found = None if self.difference is None else self.difference.to_dict()
        return {"name": self.name, "ok": self.ok, "count": self.count, "difference": found, "notes": list(self.notes)}


@dataclass(frozen=True)
class Report:
    """What a verification found, as of ``offset``, whose event has ``digest`` (hex). """

    offset: int
    digest: str
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether every check held."""
        return all(check.ok for check in self.checks)

    @property
    def difference(self) -> Deviation | None:
        """The first difference; None where there is none."""
        return next((check.difference for check in self.checks if check.difference is not None), None)

    def check(self, name: str) -> Check:
        """The check of a name; raises ``KeyError``."""
        return {check.name: check for check in self.checks}[name]

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        checks = [check.to_dict() for check in self.checks]
        return {"ok": self.ok, "offset": self.offset, "digest": self.digest, "checks": checks}

    def text(self) -> str:
        """A line a check, for people."""
        lines = [f"as of offset {self.offset}: {'everything holds' if self.ok else 'something differs'}"]
        for check in self.checks:
            lines.append(f"  {check.name}: {'ok' if check.ok else check.difference}, {check.count:,} checked")
            lines += [f"    {note}" for note in check.notes]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
