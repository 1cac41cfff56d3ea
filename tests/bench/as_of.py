"""as-of get: one entity as of a random offset, the making of the reader included."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

from tests.bench.data import FLOATS, filled, make_puts
from tests.bench.harness import Bar, Benchmark, Candidate
from tests.bench.peers import SQLITE_DOES, Sqlite, VersionedDicts, event_store
from tests.bench.report import main

SIZE = 200_000
VERSIONS = 1_000
READS = 50_000
NOW = "ours, now"


def benchmarks(size: int) -> Iterator[Benchmark]:
    """A thousand versions an entity where the size allows."""
    entities = max(1, size // VERSIONS)
    random = Random(3)
    asked = [
        (f"d-{random.randrange(entities)}", random.randrange(entities, size)) for _ in range(min(READS, size))
    ]
    db = filled(size, entities)
    sqlite, dicts = Sqlite(FLOATS), VersionedDicts()
    for entity, values in make_puts(size, entities):
        dicts.put(entity, values)
    sqlite.put_all((entity, *values.values()) for entity, values in make_puts(size, entities))

    def ours(entity: str, offset: int) -> Any:
        return db.as_of(offset + 1).view("drivers").get(entity)  # the view's definition is the first event

    def now(entity: str, offset: int) -> Any:
        return db.view("drivers").get(entity)

    few = asked[: max(1, len(asked) // 10)]
    checked = asked[:20]
    yield Benchmark(
        f"as-of get, {size // entities:,} versions an entity, random offsets",
        "reads/s",
        [
            _reader("ours", 'db.as_of(n).view("v").get(e)', ours, asked, checked, dict),
            _current(now, asked, ours, checked),
            _reader(
                "sqlite3",
                f"the last row by (entity, offset) in its index; {SQLITE_DOES}",
                sqlite.get_as_of,
                few,
                checked,
                sqlite.shown,
            ),
            _reader(
                "dict of lists",
                "bisect in the entity's offsets, the stored dict itself: the floor",
                dicts.get_as_of,
                asked,
                checked,
            ),
            *_events(size, entities, few, checked),
        ],
        users_bar=Bar(1_000),
        bar=Bar(3, "within", NOW),
    )
    sqlite.close()
    db.close()


def _current(now: Any, asked: Sequence[Any], past: Any, checked: Sequence[Any]) -> Candidate:
    """The current read: what an as-of read is compared with. Its own answer is another one, by design."""

    def run(_: None) -> None:
        for entity, offset in asked:
            now(entity, offset)

    def answer(_: None, __: None) -> list[Any]:
        return [dict(past(entity, offset)) for entity, offset in checked]

    return Candidate(NOW, 'db.view("v").get(e)', len(asked), run, answer=answer)


def _reader(
    name: str,
    does: str,
    get: Callable[[str, int], Any],
    asked: Sequence[tuple[str, int]],
    checked: Sequence[tuple[str, int]],
    shown: Any = dict,
) -> Candidate:
    def run(_: None) -> None:
        for entity, offset in asked:
            get(entity, offset)

    return Candidate(
        name,
        does,
        len(asked),
        run,
        answer=lambda _, __: [shown(get(entity, offset)) for entity, offset in checked],
    )


def _events(size: int, entities: int, few: Sequence[Any], checked: Sequence[Any]) -> list[Candidate]:
    """Only the entities asked for in the sample are written, all their versions in order."""
    module = event_store()
    if module is None:
        return []
    store = module.SnapshottingStore()
    known = sorted({entity for entity, _ in checked})
    for entity, values in make_puts(size, entities):
        if entity in known:
            store.put(entity, values)

    def get(entity: str, offset: int) -> Any:
        place = int(entity.removeprefix("d-"))
        puts = (offset - 1 - place) // entities + 1
        return store.get_version(entity, puts + 1)  # its registration is the first

    asked = [(entity, offset) for entity, offset in few if entity in known][:500] or list(checked)
    does = f"repository.get(id, version=n), a snapshot every {module.SNAPSHOT_EVERY} events"
    return [_reader("eventsourcing", does, get, asked, checked, lambda found: found.values)]


BUILDS = [(benchmarks, SIZE)]

if __name__ == "__main__":
    main(BUILDS)
