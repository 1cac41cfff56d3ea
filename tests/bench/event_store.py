"""The ``eventsourcing`` package in memory (its default, plain Python objects): one aggregate an entity.

Benchmarks get this module from ``tests.bench.peers.event_store``, which is None where the package is absent.
"""

from __future__ import annotations

from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

# The best case for reads: every aggregate stays in the cache and is handed out as it is.
CACHED = {
    "AGGREGATE_CACHE_MAXSIZE": "0",
    "AGGREGATE_CACHE_FASTFORWARD": "n",
    "DEEPCOPY_FROM_AGGREGATE_CACHE": "n",
}
SNAPSHOT_EVERY = 100


class Entity(Aggregate):
    """An entity whose values are replaced by every put."""

    @staticmethod
    def create_id(name: str) -> UUID:
        """The id is a function of the name."""
        return uuid5(NAMESPACE_URL, name)

    @event("Registered")
    def __init__(self, name: str) -> None:
        self.name = name
        self.values: dict[str, Any] = {}

    @event("Put")
    def put(self, values: dict[str, Any]) -> None:
        """New values."""
        self.values = values


class EventStore(Application[UUID]):
    """An application over entities; the caller keeps those that it writes to at hand."""

    env = CACHED

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[str, Entity] = {}

    def put(self, entity: str, values: dict[str, Any]) -> None:
        """One event, saved."""
        held = self.held.get(entity)
        if held is None:
            held = self.held[entity] = Entity(entity)
        held.put(values)
        self.save(held)

    def get(self, entity: str) -> Entity:
        """The aggregate, from the cache once it was read."""
        found: Entity = self.repository.get(Entity.create_id(entity))
        return found

    def get_version(self, entity: str, version: int) -> Entity:
        """The aggregate after a number of its events."""
        found: Entity = self.repository.get(Entity.create_id(entity), version=version)
        return found

    def read_model(self) -> dict[UUID, dict[str, Any]]:
        """The current values of all entities, folded from the stored events."""
        state: dict[UUID, dict[str, Any]] = {}
        start = 1
        while notifications := self.recorder.select_notifications(start=start, limit=1000):
            for notification in notifications:
                happened: Any = self.mapper.to_domain_event(notification)
                if type(happened) is Entity.Put:
                    state[happened.originator_id] = happened.values
            start = notifications[-1].id + 1
        return state


class SnapshottingStore(EventStore):
    """The same with a snapshot every hundred events, for long-lived aggregates."""

    is_snapshotting_enabled = True
    snapshotting_intervals = {Entity: SNAPSHOT_EVERY}
