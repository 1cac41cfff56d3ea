"""What a predictor answers."""

from __future__ import annotations

from typing import Any, NamedTuple

from vectordb.experiments import Assignment
from vectordb.services.service import ServedRow


class Served(NamedTuple):
    """``output`` of ``model`` (its label) for one ``row`` of inputs.

    ``assignment`` is the experiment's answer, None without one; ``prediction`` the id under which it was recorded,
    None where it was not.
    """

    output: Any
    model: str
    row: ServedRow
    assignment: Assignment | None
    prediction: str | None

    @property
    def arm(self) -> str | None:
        """The arm that it was served under, if any."""
        return None if self.assignment is None else self.assignment.arm

    def to_dict(self) -> dict[str, Any]:
        """As plain data, the row left out but for what it read."""
        return {
            "output": self.output,
            "model": self.model,
            "arm": self.arm,
            "assignment": None if self.assignment is None else self.assignment.to_dict(),
            "prediction": self.prediction,
            "as_of": self.row.as_of,
        }
