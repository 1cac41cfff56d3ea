"""Feast's own online read: a local feature repository with its SQLite online store, in a temporary folder."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib import import_module
from tempfile import TemporaryDirectory
from typing import Any

DOES = "FeatureStore.get_online_features(...).to_dict(), SQLite online store, local provider"


class FeastStore:
    """One feature view ``drivers`` of floats, written to the online store."""

    def __init__(self, rows: Mapping[str, Mapping[str, float]], names: Sequence[str]) -> None:
        self._folder = TemporaryDirectory()
        self._names = list(names)
        self._features = [f"drivers:{name}" for name in names]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._store = self._make(rows)

    def _make(self, rows: Mapping[str, Mapping[str, float]]) -> Any:
        feast, pandas = import_module("feast"), import_module("pandas")
        sqlite = import_module("feast.infra.online_stores.sqlite")
        frame = pandas.DataFrame(list(rows.values()))
        frame["driver"], frame["event_timestamp"] = list(rows), datetime.now(UTC)
        path = self._folder.name
        frame[:1].to_parquet(f"{path}/rows.parquet")
        store = feast.FeatureStore(
            config=feast.RepoConfig(
                project="bench",
                provider="local",
                registry=f"{path}/registry.db",
                online_store=sqlite.SqliteOnlineStoreConfig(path=f"{path}/online.db"),
                entity_key_serialization_version=3,
            )
        )
        driver = feast.Entity(name="driver", join_keys=["driver"])
        kind = import_module("feast.types").Float64
        view = feast.FeatureView(
            name="drivers",
            entities=[driver],
            ttl=timedelta(days=1),
            schema=[feast.Field(name=name, dtype=kind) for name in self._names],
            source=feast.FileSource(path=f"{path}/rows.parquet", timestamp_field="event_timestamp"),
        )
        store.apply([driver, view])
        store.write_to_online_store("drivers", frame)
        return store

    def get_many(self, ids: Sequence[str]) -> list[tuple[float, ...]]:
        """The values of each, in the order of the names."""
        rows = [{"driver": entity} for entity in ids]
        found = self._store.get_online_features(features=self._features, entity_rows=rows).to_dict()
        return list(zip(*(found[name] for name in self._names)))

    def close(self) -> None:
        """Remove the folder."""
        self._folder.cleanup()
