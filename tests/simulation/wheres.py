"""Wheres: random filters of every form, and their truth for an answer of the model, by plain comparisons."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Any

from tests.simulation.model import NULL, PRESENT, Answer

Where = dict[str, Any]
ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "$gt": lambda value, operand: value > operand,
    "$gte": lambda value, operand: value >= operand,
    "$lt": lambda value, operand: value < operand,
    "$lte": lambda value, operand: value <= operand,
}
EQUALS = ("$eq", "$ne", "$in", "$nin")
HEAVY = ("profile", "face", "taste")


class Wheres:
    """Random filters over some features; ``value(name)`` gives random values of them."""

    def __init__(self, rnd: Random, names: list[str], value: Callable[[str], Any]) -> None:
        self.random = rnd
        self.names = names
        self.value = value

    def where(self, depth: int = 0) -> Where:
        rnd, found = self.random, {}
        for _ in range(rnd.choice([0, 1, 1, 1, 2, 2]) if depth else rnd.choice([1, 1, 2, 3])):
            chance = rnd.random()
            if depth < 3 and chance < 0.15:
                found["$or"] = [self.where(depth + 1) for _ in range(rnd.randrange(1, 4))]
            elif depth < 3 and chance < 0.25:
                found["$and"] = [self.where(depth + 1) for _ in range(rnd.randrange(1, 3))]
            elif depth < 3 and chance < 0.37:
                found["$not"] = self.where(depth + 1)
            else:
                name = rnd.choice(self.names)
                found[name] = self.condition(name)
        return found

    def condition(self, name: str) -> Any:
        rnd = self.random
        if rnd.random() < 0.2 and name not in HEAVY:
            return None if rnd.random() < 0.2 else self.operand(name)
        found = dict(self.term(name) for _ in range(rnd.choice([1, 1, 1, 2])))
        return {"$not": found} if rnd.random() < 0.15 else found

    def term(self, name: str) -> tuple[str, Any]:
        rnd = self.random
        if name in HEAVY or rnd.random() < 0.12:
            return "$exists", rnd.random() < 0.6
        if name == "active" or rnd.random() < 0.5:
            op = rnd.choice(EQUALS)
            if op in ("$eq", "$ne"):
                return op, None if rnd.random() < 0.15 else self.operand(name)
            count = rnd.choice([0, 1, 2, 3, 20])
            return op, [None if rnd.random() < 0.1 else self.operand(name) for _ in range(count)]
        return rnd.choice(list(ORDERS)), self.order_operand(name)

    def operand(self, name: str) -> Any:
        found = self.value(name)
        if name == "seen" and self.random.random() < 0.5:
            return datetime.fromtimestamp(found, UTC)
        if name == "trips" and self.random.random() < 0.2:
            return float(found)
        return found

    def order_operand(self, name: str) -> Any:
        if name in ("trips", "rating") and self.random.random() < 0.3:
            return self.random.choice([float("inf"), float("-inf"), 9.5, -0.5, 2**60, 0.1, 1, 50])
        return self.operand(name)


def holds(where: Where, answer: Answer) -> bool:
    """Whether a filter holds for what a read shows."""
    return all(_key_holds(key, value, answer) for key, value in where.items())


def _key_holds(key: str, value: Any, answer: Answer) -> bool:
    if key == "$and":
        return all(holds(part, answer) for part in value)
    if key == "$or":
        return any(holds(part, answer) for part in value)
    if key == "$not":
        return not holds(value, answer)
    condition = value if isinstance(value, dict) else {"$eq": value}
    return all(_term_holds(key, op, operand, answer) for op, operand in condition.items())


def _term_holds(name: str, op: str, operand: Any, answer: Answer) -> bool:
    if op == "$not":
        return not all(_term_holds(name, inner, value, answer) for inner, value in operand.items())
    if op == "$exists":
        return (answer.status[name] in (PRESENT, NULL)) is operand
    value = answer.values[name]
    if op in ("$in", "$nin"):
        return any(_same(value, item) for item in operand) is (op == "$in")
    if op in ("$eq", "$ne"):
        return _same(value, operand) is (op == "$eq")
    if value is None or isinstance(value, str) is not isinstance(operand, str):
        return False
    return ORDERS[op](value, _plain(operand))


def _plain(operand: Any) -> Any:
    return operand.timestamp() if isinstance(operand, datetime) else operand


def _same(value: Any, operand: Any) -> bool:
    operand = _plain(operand)
    return value == operand if isinstance(value, str) is isinstance(operand, str) else False
