"""Impact: what depends on a definition, a value or an event."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ledger import (
    EventPruned,
    ExposuresRecorded,
    OutcomesRecorded,
    PredictionsRecorded,
    RowsRedacted,
    SingleRow,
)
from vectordb.lineage.links import Links
from vectordb.lineage.nodes import Key
from vectordb.lineage.walking import dependents_of, rank


@dataclass(frozen=True)
class Impact:
    """Ids of all that depends on something, at first hand or through others, each kind in the order of the log.

    ``of`` is the id or the offset that was asked for; what was asked for does not count itself.
    """

    of: str | int
    as_of: int
    versions: tuple[str, ...] = ()
    predictions: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    pipelines: tuple[str, ...] = ()
    training_sets: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    experiments: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many of each kind there are."""
        return {name: len(getattr(self, name)) for name in KINDS}

    @property
    def total(self) -> int:
        """How many in all; 0: nothing depends on it."""
        return sum(self.counts.values())  # ints

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {"of": self.of, "as_of": self.as_of, "counts": self.counts,
                **{name: list(getattr(self, name)) for name in KINDS}}  # fmt: skip


KINDS = ("versions", "predictions", "features", "services", "pipelines", "training_sets", "models", "experiments")


def find_impact(links: Links, of: str | int, starts: Iterable[Key], touched: Iterable[Key] = ()) -> Impact:
    """What depends on some keys, and on others (``touched``) that count themselves."""
    starts, touched = list(starts), list(touched)
    found = {**dict.fromkeys(touched), **dependents_of(links, [*starts, *touched])}
    kinds: dict[str, list[str]] = {name: [] for name in KINDS}
    for key in sorted(found, key=lambda key: rank(links, key)):
        node = links.node(key)
        kinds.setdefault(f"{node.kind}s", []).append(node.id)
    return Impact(of, links.limit, **{name: tuple(kinds[name]) for name in KINDS})


def keys_of_event(links: Links, offset: int) -> tuple[list[Key], list[Key]]:
    """The nodes that an event wrote, and the definitions that it is counted in."""
    fact = links.state.log.event(offset).fact
    if isinstance(fact, (ExposuresRecorded, OutcomesRecorded)):
        return [], [f"experiment:{fact.experiment}"]
    if isinstance(fact, (SingleRow, PredictionsRecorded, EventPruned, RowsRedacted)) or fact.blocks():
        return list(links.rows_of(offset)), []
    return [name for name, at in links.definitions.nodes.items() if at == offset], []
