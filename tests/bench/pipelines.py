"""Pipelines: imputer, scaler and one-hot on the way out, beside the same read without, and beside scikit-learn.

Warm: rows are held as the pipeline made them, and the read without one holds its own. Cold: a write of every row has
dropped it. Both reads are of the same ten features; what the read without gives goes through the pipeline afterwards,
unmeasured, and has to be the same bits. scikit-learn transforms rows that are there already, as a frame or an array;
ours reads them too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from random import Random
from typing import Any

from tests.bench.data import CITIES
from tests.bench.harness import Bar, Benchmark, Candidate
from tests.bench.report import main
from vectordb import Category, Float, ManualClock, VectorDB
from vectordb.pipelines.transformed_gather import TransformedGather
from vectordb.transforms import ColumnTransformer, OneHotEncoder, Pipeline, SimpleImputer, StandardScaler

SIZE = 20_000  # entities
BATCHES = (1, 100, 1_000, 10_000)
ROWS = 200_000  # of all batches of one measurement
PEER_ROWS = (1, 100, 10_000)
NUMBERS = [f"f{place}" for place in range(8)]
CATEGORIES = ["city", "tier"]
PAIRS = 15  # rounds of the comparison of reads: a median of so many paired ratios


def usual() -> ColumnTransformer:
    """What a pipeline usually is."""
    numbers = Pipeline([("fill", SimpleImputer()), ("scale", StandardScaler())])
    return ColumnTransformer([("n", numbers, NUMBERS), ("c", OneHotEncoder(handle_unknown="ignore"), CATEGORIES)])


class _World:
    """Eight floats, a tenth of them null, and two categories; services with a pipeline and without."""

    def __init__(self, size: int) -> None:
        random = Random(3)
        self.db = VectorDB(clock=ManualClock(1_700_000_000))
        kinds = {**dict.fromkeys(NUMBERS, Float()), **dict.fromkeys(CATEGORIES, Category())}
        self.view = self.db.create_view("rides", entity="ride", features=kinds)
        self.ids = [f"r-{number}" for number in range(size)]
        columns: dict[str, list[Any]] = {
            name: [None if random.random() < 0.1 else random.gauss(5, 2) for _ in self.ids] for name in NUMBERS
        }
        columns["city"] = [random.choice(CITIES) for _ in self.ids]
        columns["tier"] = [random.choice("abcd") for _ in self.ids]
        self.columns = {"ride": self.ids, **columns}
        self.write()
        keys = [f"rides:{name}" for name in (*NUMBERS, *CATEGORIES)]
        self.plain = self.db.create_service("plain", features=keys)
        self.piped = self.db.create_service("piped", features=keys, pipeline=usual())
        self.floats = self.db.create_service("floats", features=keys[:8])
        self.scaled = self.db.create_service(
            "scaled", features=keys[:8], pipeline=Pipeline([("fill", SimpleImputer()), ("scale", StandardScaler())])
        )
        self.piped.fit()
        self.scaled.fit()
        for service in (self.plain, self.piped, self.floats, self.scaled):
            service.get_many(self.ids)  # held from here on

    def write(self) -> None:
        """Write every row: what is held of it is dropped."""
        self.view.put_many(self.columns)

    def transformed(self, service: Any, raw: Any) -> bytes:
        """The bits that the pipeline of a service makes of a raw matrix."""
        return bytes(service.pipeline.transform(raw).raw)


def benchmarks(size: int) -> Iterator[Benchmark]:
    """Reads beside the same reads without a pipeline, then beside scikit-learn."""
    world, random = _World(size), Random(5)
    for rows in BATCHES:
        ids = [random.choice(world.ids) for _ in range(min(rows, size))]
        yield _warm(world, world.piped, world.plain, ids, "8 floats + 2 categories: impute, scale, one-hot")
    ids = [random.choice(world.ids) for _ in range(min(1_000, size))]
    yield _warm(world, world.scaled, world.floats, ids, "8 floats: impute, scale")
    yield _single(world)
    yield _cold(world, world.ids[: min(10_000, size)])
    if find_spec("sklearn") and find_spec("pandas"):
        for rows in PEER_ROWS:
            yield _beside_sklearn(world, world.ids[: min(rows, size)])
    world.db.close()


def _warm(world: _World, piped: Any, plain: Any, ids: Sequence[str], what: str) -> Benchmark:
    rows = ROWS if len(world.ids) == SIZE else ROWS // 20
    turns = max(1, rows // len(ids) // (20 if len(ids) == 1 else 4))
    judge = piped
    candidates = [
        _reader("with", "get_many of the service with the pipeline", piped.get_many, ids, turns, _bytes),
        _reader("without", "get_many of the same features", plain.get_many, ids, turns,
                lambda found: world.transformed(judge, found)),
    ]  # fmt: skip
    users = Bar(1.05, "within", "without") if len(ids) >= 1_000 else Bar(1_000)
    name = f"get_many of {len(ids):,}, {what}, warm"
    return Benchmark(name, "rows/s", candidates, users_bar=users, repeats=PAIRS)


def _single(world: _World) -> Benchmark:
    ids = world.ids[:1_000]

    def read(service: Any) -> Callable[[Any], Any]:
        get = service.get
        return lambda ids: [get(entity).vector() for entity in ids]

    turns = 20 if len(ids) == 1_000 else 1
    names = (*NUMBERS, *CATEGORIES)

    def judged(rows: Any) -> Any:
        columns = dict(zip(names, map(list, zip(*rows)), strict=True))
        return [list(row) for row in world.piped.pipeline.transform(columns)]  # type: ignore[union-attr]

    read_piped = read(world.piped)
    return Benchmark(
        "get(e).vector() of one hot entity after the other, warm",
        "rows/s",
        [
            _reader("with", "the service with the pipeline", read_piped, ids, turns, lambda rows: rows),
            _reader("without", "the same features", read(world.plain), ids, turns, judged),
        ],
        users_bar=Bar(1_000),
        repeats=PAIRS,
    )


def _cold(world: _World, ids: Sequence[str]) -> Benchmark:
    def read(service: Any) -> Callable[[Any], Any]:
        return lambda _: service.get_many(ids)

    prepare = world.write
    candidates = [
        Candidate("with", "every row is transformed for the first time", len(ids), read(world.piped), prepare,
                  lambda _, found: _bytes(found)),
        Candidate("without", "every row is packed for the first time", len(ids), read(world.plain), prepare,
                  lambda _, found: world.transformed(world.piped, found)),
    ]  # fmt: skip
    return Benchmark(f"get_many of {len(ids):,}, cold", "rows/s", candidates, users_bar=Bar(1_000))


def _beside_sklearn(world: _World, ids: Sequence[str]) -> Benchmark:
    """Ours reads and transforms rows that were just written; scikit-learn transforms a frame of them."""
    pandas, sklearn_pipeline = import_module("pandas"), _sklearn(world)
    frame = pandas.DataFrame({name: world.columns[name][: len(ids)] for name in (*NUMBERS, *CATEGORIES)})
    frame[NUMBERS] = frame[NUMBERS].astype(float)
    held = [gather for key, gather in world.db.state._gathers.items() if key[0] == "piped@1"]
    (piped,) = (gather for gather in held if isinstance(gather, TransformedGather))
    drop = piped.held.clear

    def cold(ids: Sequence[str]) -> Any:
        drop()
        return world.piped.get_many(ids)

    turns = max(1, (2_000 if len(world.ids) == SIZE else 200) // len(ids))
    candidates = [
        _reader("ours", "get_many, cold: read, transform, pack", cold, ids, turns, _rounded),
        Candidate("scikit-learn", "ColumnTransformer.transform of a frame", max(1, turns // 40) * len(ids),
                  lambda _: [sklearn_pipeline.transform(frame) for _turn in range(max(1, turns // 40))][-1],
                  answer=lambda _, found: _rounded(found)),
    ]  # fmt: skip
    users = Bar(1_000 if len(ids) > 1 else 0)
    return Benchmark(f"transform {len(ids):,} rows, cold, beside scikit-learn", "rows/s", candidates, users_bar=users)


def _sklearn(world: _World) -> Any:
    """The same pipeline of scikit-learn's, with what ours learnt."""
    from sklearn.compose import ColumnTransformer as TheirColumnTransformer
    from sklearn.impute import SimpleImputer as TheirImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder as TheirEncoder
    from sklearn.preprocessing import StandardScaler as TheirScaler

    pandas = import_module("pandas")
    frame = pandas.DataFrame({name: world.columns[name] for name in (*NUMBERS, *CATEGORIES)})
    frame[NUMBERS] = frame[NUMBERS].astype(float)
    encoder = TheirEncoder(handle_unknown="ignore", sparse_output=False)
    numbers = make_pipeline(TheirImputer(), TheirScaler())
    return TheirColumnTransformer([("n", numbers, NUMBERS), ("c", encoder, CATEGORIES)]).fit(frame)


def _reader(
    name: str, does: str, read: Callable[[Any], Any], ids: Sequence[str], turns: int, answer: Callable[[Any], Any]
) -> Candidate:
    def run(_: None) -> Any:
        for _turn in range(turns):
            found = read(ids)
        return found

    return Candidate(name, does, turns * len(ids), run, answer=lambda _, found: answer(found))


def _bytes(matrix: Any) -> bytes:
    return bytes(matrix.numbers.raw)


def _rounded(found: Any) -> list[list[float]]:
    """Rows to nine digits: of our matrix, or an array."""
    rows = found.to_rows() if hasattr(found, "to_rows") else found.tolist()
    return [[round(value, 9) + 0.0 for value in row] for row in rows]


BUILDS = [(benchmarks, SIZE)]

if __name__ == "__main__":
    main(BUILDS)
