"""The lineage graph told again: every edge read from the stored form of the events, closures by plain repetition."""

from __future__ import annotations

import json
from base64 import b64decode
from struct import unpack
from typing import Any, NamedTuple

from ledger import from_micros
from vectordb import VectorDB


class Arc(NamedTuple):
    source: str
    target: str
    kind: str
    transformation: str | None
    offset: int


def shown(entity: Any) -> str:
    """The entity as it stands in ids of these tests: plain text, or JSON."""
    plain = isinstance(entity, str) and not entity[0].isdigit()
    return entity if plain else json.dumps(entity, separators=(",", ":"))


class Naive:
    """Nodes and arcs of a database up to an offset."""

    def __init__(self, db: VectorDB, limit: int) -> None:
        self.db = db
        self.names: dict[tuple[int, int], str] = {}
        self.arcs: list[Arc] = []
        self.nodes: set[str] = set()
        self.views: dict[str, dict[str, Any]] = {}
        self.services: dict[str, Any] = {}
        self.pipelines = 0
        self.newest: dict[str, int] = {}
        for event in db.events(1, limit + 1):
            self.offset = event.offset
            getattr(self, event.type, lambda body: None)(event.payload)

    def name(self, row: int, collection: str, entity: Any, rows: int) -> str:
        text = f"{collection}/{shown(entity)}@{self.offset}" + (f".{row}" if rows > 1 else "")
        self.names[self.offset, row] = text
        self.nodes.add(text)
        return text

    def arc(self, source: str, target: str, kind: str, transformation: str | None = None) -> None:
        self.arcs.append(Arc(source, target, kind, transformation, self.offset))
        self.nodes |= {source, target}

    # -- one method for each type of event

    def view_defined(self, body: Any) -> None:
        view = body["definition"]
        label = f"{view['name']}@{view['version']}"
        self.views[view["name"]] = {"label": label}
        for feature in view["features"]:
            self.arc(f"view:{label}", f"feature:{view['name']}:{feature['name']}", "defines")

    def service_defined(self, body: Any) -> None:
        service = body["definition"]
        label = f"{service['name']}@{service['version']}"
        self.services[label] = service
        for item in service["features"]:
            if isinstance(item, str):
                self.arc(f"feature:{item}", f"service:{label}", "reads")

    def model_defined(self, body: Any) -> None:
        self.nodes.add(f"model:{body['definition']['name']}@{body['definition']['version']}")

    def experiment_defined(self, body: Any) -> None:
        one = body["definition"]
        node = f"experiment:{one['name']}@{one['version']}"
        self.newest[one["name"]] = one["version"]
        self.arc(f"view:{self.views['drivers']['label']}", node, "targets")
        for feature in ("trips", "city"):
            self.arc(f"feature:drivers:{feature}", node, "targets")
        self.arc("feature:drivers:rating", node, "adjusts")

    def _rows(self, body: Any, targets: list[str]) -> None:
        for offset, row in body.get("derived_from", ()):
            for target in targets:
                self.arc(self.names[offset, row], target, "derived", body.get("transformation"))

    def row_put(self, body: Any) -> None:
        self._rows(body, [self.name(0, body["view"].split("@")[0], body["entity"], 1)])

    entity_deleted = row_put

    def rows_put(self, body: Any) -> None:
        ids, view = body["entities"], body["view"].split("@")[0]
        self._rows(body, [self.name(row, view, entity, len(ids)) for row, entity in enumerate(ids)])

    def transaction_committed(self, body: Any) -> None:
        pairs = [(part["view"].split("@")[0], entity) for part in body["writes"] for entity in part["entities"]]
        for row, (view, entity) in enumerate(pairs):
            self.name(row, view, entity, len(pairs))

    def pipeline_fitted(self, body: Any) -> None:
        fitted = body["fitted"]
        node, kind = f"pipeline:ranker#{fitted['version']}", fitted["pipeline"]["type"]
        self.arc(f"service:{fitted['service']}", node, "transforms", kind)
        for view in fitted["views"]:
            self.arc(f"view:{view}", node, "fitted", kind)
        for (offset, _), name in list(self.names.items()):
            if name.startswith("drivers/") and offset <= fitted["as_of"]:
                if "spine" in fitted:
                    self.arc(name, node, "may be fitted", kind)
                elif name in self.current(fitted["as_of"], fitted["at"]):
                    self.arc(name, node, "fitted", kind)

    def current(self, as_of: int, at: int) -> set[str | None]:
        """The versions that a read of all drivers shows."""
        past = self.db.as_of(as_of).view("drivers")
        rows = [past.get(f"d{n}", at=from_micros(at)) for n in range(5)]
        return {row.versions[feature] for row in rows for feature in ("trips", "rating")}

    def predictions_recorded(self, body: Any) -> None:
        service, rows = body["service"], body["predictions"]
        for row, one in enumerate(rows):
            ids = one["entities"]
            flat = ids[0] if len(ids) == 1 else [part for own in ids for part in (own if type(own) is list else [own])]
            target = self.name(row, service.split("@")[0], flat, len(rows))
            through = f"ranker#{body['pipeline']}" if "pipeline" in body else None
            for source in {tuple(pair) for pair in one["sources"] if pair}:
                self.arc(self.names[source], target, "input", through)
            self.arc(f"service:{service}", target, "made")
            self.arc(f"model:{body['model']}", target, "made")
            if through:
                self.arc(f"pipeline:{through}", target, "made")
            self.arc(f"service:{service}", f"model:{body['model']}", "serves")
            arm = one.get("assignment", {})
            if "experiment" in arm:
                self.arc(f"experiment:{arm['experiment']}", target, "made", arm["arm"])
                self.arc(f"service:{service}", f"experiment:{arm['experiment']}", "serves")

    def training_set_recorded(self, body: Any) -> None:
        one = body["training_set"]
        node = f"training_set:{one['name']}"
        self.arc(f"service:{one['service']}", node, "joined")
        if "model" in one:
            self.arc(node, f"model:{one['model']}", "trained")
        data = b64decode(one["refs"])
        for ref in unpack(f"<{len(data) // 8}q", data):
            self.arc(self.names[ref >> 24, ref & (1 << 24) - 1], node, "joined")

    # -- questions

    def first_arcs(self) -> set[Arc]:
        """Each arc of use once, at its first offset."""
        found: dict[tuple[str, str, str], Arc] = {}
        for arc in self.arcs:
            if arc.kind == "serves":
                found.setdefault(arc[:3], arc)
        return {arc for arc in self.arcs if arc.kind != "serves"} | set(found.values())

    def upstream(self, node: str) -> tuple[set[str], set[Arc]]:
        """A fit is entered by its service and views, not by each row."""
        by_row = ("view:", "service:")
        arcs = {arc for arc in self.first_arcs() if "pipeline:" not in arc.target or arc.source.startswith(by_row)}
        nodes, used = {node}, set()
        while True:
            more = {arc for arc in arcs if arc.target in nodes and (arc.kind != "serves" or arc.target == node)}
            if more == used:
                return nodes, used
            used, nodes = more, nodes | {arc.source for arc in more}

    def downstream(self, node: str) -> tuple[set[str], set[Arc]]:
        arcs, whole, used = self.first_arcs(), {node}, set()
        while True:
            more = {arc for arc in arcs if arc.source in whole}
            if more == used:
                return whole | {arc.target for arc in more}, used
            used, whole = more, whole | {arc.target for arc in more if arc.kind != "serves"}

    def paths(self, start: str, end: str) -> set[tuple[str, ...]]:
        onward: dict[str, set[str]] = {}
        for arc in self.downstream(start)[1] if "/" in start else self.upstream(end)[1]:
            if arc.kind != "serves" or arc.target == end:
                onward.setdefault(arc.source, set()).add(arc.target)
        found, ahead = set(), [(start,)]
        while ahead:
            path = ahead.pop()
            if path[-1] == end:
                found.add(path)
            else:
                ahead += [(*path, far) for far in onward.get(path[-1], ()) if far not in path]
        return found
