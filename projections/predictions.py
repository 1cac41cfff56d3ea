"""Predictions: where in the log each one stands, by service and entity."""

from __future__ import annotations

import json
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator

from ledger import GONE, ROW_BITS, Entity, Event, PredictionsRecorded, entity_from_json, entity_to_json
from projections.contract import Gone, Projection


class Predictions(Projection):
    """References of predictions in order; the predictions themselves stay in the log."""

    name = "predictions"
    essential = True
    handles = (PredictionsRecorded,)

    def reset(self) -> None:
        """No prediction."""
        self._refs: dict[str, dict[Entity, array[int]]] = {}
        self._all = array("q")

    def apply(self, event: Event) -> None:
        """Add the references of an event's predictions."""
        fact = event.fact
        assert isinstance(fact, PredictionsRecorded)
        by_entity = self._refs.setdefault(fact.service.partition("@")[0], {})
        for row, prediction in enumerate(fact.predictions):
            if prediction is GONE:
                continue
            ref = event.offset << ROW_BITS | row
            if ref in self.log.left_out:
                continue
            by_entity.setdefault(prediction.entity, array("q")).append(ref)
            self._all.append(ref)

    def refs(self, limit: int, service: str | None = None, entity: Entity | None = None) -> Iterator[int]:
        """References up to a limit, of all predictions, of a service, or of one entity of it."""
        if service is None and entity is None:
            found = self._all
        else:
            services = list(self._refs) if service is None else [service]
            known = [by_entity for name in services if (by_entity := self._refs.get(name)) is not None]
            held = [
                refs
                for by_entity in known
                for refs in (by_entity.values() if entity is None else [by_entity.get(entity, array("q"))])
            ]
            found = array("q", sorted(ref for refs in held for ref in refs))
        yield from found[: bisect_right(found, limit)]

    def refs_of(self, service: str, entities: Collection[Entity], whole: bool) -> list[int]:
        """References of the predictions of a service that may name some entities: exactly those where the id of a
        prediction is the ``whole`` entity, else all."""
        by_entity = self._refs.get(service, {})
        held = [by_entity.get(entity, ()) for entity in entities] if whole else list(by_entity.values())
        return sorted(ref for refs in held for ref in refs)

    def forget(self, gone: Gone) -> bool:
        """Drop the references of predictions that are gone."""
        if not gone.predictions:
            return True
        for by_entity in self._refs.values():
            for entity in [entity for entity, refs in by_entity.items() if not gone.predictions.isdisjoint(refs)]:
                left = array("q", (ref for ref in by_entity[entity] if ref not in gone.predictions))
                if left:
                    by_entity[entity] = left
                else:
                    del by_entity[entity]
        self._all = array("q", (ref for ref in self._all if ref not in gone.predictions))
        return True

    def has(self, ref: int) -> bool:
        """Whether a reference is that of a prediction. 0.3 us."""
        place = bisect_left(self._all, ref)
        return place < len(self._all) and self._all[place] == ref

    def after(self, offset: int, limit: int) -> list[int]:
        """Offsets above one, up to and including another, of the events that record predictions."""
        refs, low, high = self._all, (offset + 1) << ROW_BITS, (limit + 1) << ROW_BITS
        return list(dict.fromkeys(ref >> ROW_BITS for ref in refs[bisect_left(refs, low) : bisect_left(refs, high)]))

    def dump(self) -> bytes:
        """References by service and entity, as JSON."""
        state = {
            service: [[entity_to_json(entity), list(refs)] for entity, refs in by_entity.items()]
            for service, by_entity in self._refs.items()
        }
        return json.dumps(state, ensure_ascii=False).encode()

    def load(self, state: bytes) -> None:
        """See ``dump``."""
        self.reset()
        for service, pairs in json.loads(state).items():
            self._refs[service] = {entity_from_json(entity): array("q", refs) for entity, refs in pairs}
        self._all = array("q", sorted(ref for pairs in self._refs.values() for refs in pairs.values() for ref in refs))

    def check(self) -> None:
        """Each reference stands once, in order."""
        refs = [ref for by_entity in self._refs.values() for held in by_entity.values() for ref in held]
        assert sorted(refs) == list(self._all)
        assert len(set(refs)) == len(refs)

    def counts(self) -> dict[str, int]:
        """Predictions."""
        return {"predictions": len(self._all)}
