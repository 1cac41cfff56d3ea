"""Decision trees."""

from __future__ import annotations

from typing import Any

from vectordb.models.model import Model, Output


class Tree(Model):
    """A binary decision tree in arrays, as scikit-learn keeps them.

    Node i is a leaf where ``left[i]`` is -1, and then gives ``value[i]`` (a number or a list of numbers);
    else a row goes left when feature ``feature[i]`` (a position in ``features``) is at most
    ``threshold[i]``, and right otherwise. Children come after their parent, so a walk ends.
    """

    kind = "tree"
    known = frozenset({"feature", "threshold", "left", "right", "value"})

    def read(self, parameters: dict[str, Any]) -> None:
        """Five lists of equal length; node 0 is the root."""
        values = parameters.get("value")
        if not isinstance(values, list) or not values:
            self.refuse("a tree has a root, and a list of values", value=values)
        count = len(values)
        self.left, self.right, self.feature = (
            self._places(parameters, name, count) for name in ("left", "right", "feature")
        )
        self.threshold = self.numbers(parameters.get("threshold"), "threshold", count)
        self.value: list[Output] = values
        for value in values:
            leaf = value if isinstance(value, list) else [value]
            self.numbers(leaf, "value", len(leaf))
        for node in range(count):
            self._check_node(node, count)

    def _places(self, parameters: dict[str, Any], name: str, count: int) -> list[int]:
        places = parameters.get(name)
        if not isinstance(places, list) or len(places) != count or any(type(place) is not int for place in places):
            self.refuse(f"{name} is a list of {count} ints", value=places)
        return list(places)

    def _check_node(self, node: int, count: int) -> None:
        left, right = self.left[node], self.right[node]
        if left == -1:
            return
        if not (node < left < count and node < right < count and 0 <= self.feature[node] < len(self.features)):
            self.refuse("a node's children come after it, and its feature is one of the model's", node=node)

    def evaluate(self, values: list[float]) -> Output:
        """The value of the leaf that the row falls into."""
        node = 0
        while self.left[node] != -1:
            goes_left = values[self.feature[node]] <= self.threshold[node]
            node = self.left[node] if goes_left else self.right[node]
        value = self.value[node]
        return list(value) if isinstance(value, list) else value
