"""Linear and logistic models."""

from __future__ import annotations

from math import fsum, isfinite
from operator import mul
from typing import Any

from ledger import InvalidInput
from vectordb.models.model import Model, Output, exact_exp


class Linear(Model):
    """intercept + sum of coefficient times feature, each product and the exact sum rounded once.

    One list of coefficients gives a number, a list of lists gives one output a list.
    """

    kind = "linear"
    known = frozenset({"coefficients", "intercept"})

    def read(self, parameters: dict[str, Any]) -> None:
        """``coefficients``: numbers, or a list of such lists; ``intercept``: a number, or one a list."""
        rows = parameters.get("coefficients")
        if not isinstance(rows, (list, tuple)) or not rows:
            self.refuse("a linear model has coefficients", value=rows)
        self.many = isinstance(rows[0], (list, tuple))
        rows = rows if self.many else [rows]
        self.coefficients = [self.numbers(row, "coefficients", len(self.features)) for row in rows]
        intercept = parameters.get("intercept", [0.0] * len(self.coefficients) if self.many else 0.0)
        self.intercepts = self.numbers(intercept if self.many else [intercept], "intercept", len(self.coefficients))

    def scores(self, values: list[float]) -> list[float]:
        """The linear score of each list of coefficients."""
        try:
            return [
                fsum([intercept, *map(mul, coefficients, values)])
                for coefficients, intercept in zip(self.coefficients, self.intercepts, strict=True)
            ]
        except (OverflowError, ValueError) as error:  # a product or the sum leaves float64
            raise InvalidInput("a model's score is finite", model=self.definition.label, error=str(error)) from error

    def evaluate(self, values: list[float]) -> Output:
        """The score, or the scores."""
        scores = self.scores(values)
        return scores if self.many else scores[0]


class Logistic(Linear):
    """The logistic function of one score; the softmax of several (multinomial logistic regression)."""

    kind = "logistic"

    def evaluate(self, values: list[float]) -> Output:
        """A probability, or a list of probabilities."""
        scores = self.scores(values)
        if not self.many:
            return sigmoid(scores[0])
        top = max(scores)
        if not isfinite(top):  # nothing can be told of its share
            rule = "the greatest score of a model is finite"
            raise InvalidInput(rule, model=self.definition.label, scores=scores[:10])
        weights = [exact_exp(score - top) for score in scores]
        total = fsum(weights)
        return [weight / total for weight in weights]


def sigmoid(score: float) -> float:
    """1 / (1 + exp(-score)), without overflow.

    >>> sigmoid(0.0), sigmoid(-1000.0), sigmoid(1000.0)
    (0.5, 0.0, 1.0)
    """
    if score >= 0:
        return 1.0 / (1.0 + exact_exp(-score))
    weight = exact_exp(score)
    return weight / (1.0 + weight)
