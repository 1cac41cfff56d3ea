"""Building an index: train on a sample, find the centre of every row, code the rows of every cluster.

The work is cut into tasks that are functions of bytes, so an executor of processes can do them: a build
with two of them takes little more than half the time. The same rows and seed give the same index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from functools import partial
from random import Random
from statistics import fmean
from typing import TypeVar

from ledger import Vector
from projections.vectors.bytescale import ByteScale
from projections.vectors.index import Index, Trained
from projections.vectors.lanes import Lanes
from projections.vectors.quantiser import MAX_PLANES, Coded, residual, residual_radius, train
from projections.vectors.training import group, train_axes, train_centres

CLUSTER_SIZE = 16_000  # smaller ones for few vectors: 1.3x faster on made groups, 1.4x slower on 56,000 real words
CENTRE_SAMPLE = 20_000
AXES_SAMPLE = 3_000
WIDE_DIM = 300  # from here on samples are smaller: their cost grows with the dimension
WIDE_CENTRE_SAMPLE = 2_000
WIDE_SAMPLE = 400
WIDE_WORK = 2_560_000  # coordinates of such a sample
WIDE_AXES = 48
CHUNK_BYTES = 1 << 20  # of one task, in bytes of the byte scale
DRIFT_SAMPLE = 16
AHEAD = 4  # tasks handed to an executor before the first is asked for
Progress = Callable[[str, int, int], None]  # (stage, lanes done, lanes in all)
T = TypeVar("T")
R = TypeVar("R")


def sample_size(dim: int) -> int:
    """How many rows of a dimension train the centres."""
    return WIDE_CENTRE_SAMPLE if dim > WIDE_DIM else CENTRE_SAMPLE


def learn(kind: Vector, lanes: Lanes, count: int, seed: int) -> Trained:
    """What the first ``count`` lanes teach: scale, centres, axes and bits. 5 s for 1M x 128."""
    random = Random(seed)
    wide = kind.dim > WIDE_DIM
    present = lanes.present(count) or range(count)
    count = len(present)
    size = min(count, sample_size(kind.dim))
    stored = lanes.pick(sorted(random.sample(present, size)))
    scale = ByteScale.fit(kind, stored)
    sample, dim = scale.encode(stored), scale.dim
    centres = train_centres(sample, dim, max(1, round(count / CLUSTER_SIZE)), random)
    few = random.sample(range(size), min(size, AXES_SAMPLE if not wide else min(WIDE_SAMPLE, WIDE_WORK // dim)))
    rows = [sample[row * dim : (row + 1) * dim] for row in few]
    labels = centres.nearest(b"".join(rows))
    residuals = [residual(row, centres, label) for row, label in zip(rows, labels)]
    axes = train_axes(residuals, min(dim, WIDE_AXES if wide else MAX_PLANES), random) or [[1.0, *[0.0] * (dim - 1)]]
    quantiser = train(rows, labels, centres, axes, min(MAX_PLANES, max(16, dim * 5 // 2)), wide)
    return Trained(scale, centres, quantiser, residual_radius(residuals))


def label_rows(trained: Trained, stored: bytes) -> list[int]:
    """The cluster of every stored row."""
    if len(trained.centres.points) == 1:
        return [0] * (len(stored) // trained.scale.kind.size)
    return trained.centres.nearest(trained.scale.encode(stored))


def code_rows(trained: Trained, cluster: int, stored: bytes) -> Coded:
    """The codes of stored rows of one cluster."""
    return trained.quantiser.codes(trained.scale.encode(stored), trained.scale.dim, trained.biases[cluster])


def build(
    kind: Vector,
    lanes: Lanes,
    count: int,
    dead: frozenset[int],
    *,
    seed: int = 0,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Index:
    """The index of the first ``count`` lanes.

    Lanes that are ``dead`` already go to segments of their own, which a search of the present skips.
    46 s for 1M x 128 uint8 in one process.
    """
    report = progress or _silent
    report("train", 0, count)
    trained = learn(kind, lanes, count, seed)
    index = Index(trained)
    step = max(256, CHUNK_BYTES // trained.scale.dim)
    starts = range(0, count, step)
    stored = (lanes.raw(start, min(count, start + step)) for start in starts)
    for start, labels in zip(starts, _each(executor, partial(label_rows, trained), stored)):
        index.longer.extend(start + place for place in trained.scale.longer(lanes.raw(start, start + len(labels))))
        index.homes.extend(labels)
        report("assign", start + len(labels), count)
    _fill(index, lanes, dead, step, executor, report)
    index.built = count
    for segment in index.segments:
        segment.seal(trained.quantiser)
    return index


def _fill(
    index: Index, lanes: Lanes, dead: frozenset[int], step: int, executor: Executor | None, report: Progress
) -> None:
    """Code the lanes of every cluster, the dead apart from the living."""
    tasks = list(_tasks(index, dead, step))
    work = ((index.trained, cluster, lanes.pick(chunk)) for cluster, _, chunk in tasks)
    done = 0
    for (cluster, cold, chunk), codes in zip(tasks, _each(executor, _code_task, work)):
        index.segment(cluster, cold).extend(index.trained.quantiser, chunk, codes)
        done += len(chunk)
        report("code", done, index.count)


def _tasks(index: Index, dead: frozenset[int], step: int) -> Iterator[tuple[int, bool, list[int]]]:
    for cluster, members in enumerate(group(index.homes, len(index.clusters))):
        cold = [lane for lane in members if lane in dead] if dead else []
        warm = [lane for lane in members if lane not in dead] if cold else members
        for is_cold, chosen in ((True, cold), (False, warm)):
            for start in range(0, len(chosen), step):
                yield cluster, is_cold, chosen[start : start + step]


def _code_task(task: tuple[Trained, int, bytes]) -> Coded:
    return code_rows(*task)


def _each(executor: Executor | None, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """``map``, through the executor if there is one, a few tasks ahead."""
    if executor is None:
        yield from map(function, items)
        return
    waiting = []
    for item in items:
        waiting.append(executor.submit(function, item))
        if len(waiting) > AHEAD:
            yield waiting.pop(0).result()
    for future in waiting:
        yield future.result()


def extend(index: Index, lanes: Lanes, fresh: Sequence[int]) -> None:
    """Add the lanes of a batch to an index. 45 us a lane of 128 dimensions."""
    trained = index.trained
    step = max(256, CHUNK_BYTES // trained.scale.dim)
    for start in range(fresh[0], fresh[-1] + 1, step):
        stop = min(fresh[-1] + 1, start + step)
        stored = lanes.raw(start, stop)
        labels = label_rows(trained, stored)
        index.longer.extend(start + place for place in trained.scale.longer(stored))
        _note_drift(index, lanes, start, stop)
        index.homes.extend(labels)
        for cluster, places in enumerate(group(labels, len(index.clusters))):
            if places:
                members = [start + place for place in places]
                codes = code_rows(trained, cluster, lanes.pick(members))
                index.segment(cluster, False).extend(trained.quantiser, members, codes)


def _note_drift(index: Index, lanes: Lanes, start: int, stop: int) -> None:
    """Look at a few of some new lanes: do they lie where those of the build lay?"""
    kind, step = index.trained.scale.kind, max(1, (stop - start) // DRIFT_SAMPLE)
    rows = kind.packer.iter_unpack(lanes.pick(range(start, stop, step)))
    projection, scale = index.trained.projection, index.trained.scale
    squares = [min(projection.place(scale.row(row)).distances) for row in rows]
    index.note(fmean(squares), stop - start)


def _silent(stage: str, done: int, total: int) -> None:
    return None
