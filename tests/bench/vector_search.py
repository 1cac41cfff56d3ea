"""Vector search: recall against latency, build and memory, filters, the past, and growth, beside peers in one run.

    python -m tests.bench.vector_search --data FOLDER --size 1000000 --cache FOLDER

``--data`` (or ``VECTORDB_BENCH_DATA``) is a folder with ``descriptors.u8`` and ``words100.f32``; without it vectors are
made; ``--parts scaling`` makes them in many shapes. One thread, one query a call, the same queries for all; a figure is
the median of interleaved rounds.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench.harness import Bar, Benchmark, Candidate
from tests.bench.lines import Line, write_lines
from tests.bench.machine import machine
from tests.bench.vector_data import QUERIES, Data, descriptors, folder_of, made, words
from tests.bench.vector_measure import CLOCKS, Rounds, built, contests, number, race, wanted_peers
from tests.bench.vector_parts import DIM, LEVEL, Section, filtered, past, prepared, scaling, searched
from tests.bench.vector_peers import Peer, one_thread

SIZE = 20_000
DIMS = (32, 768, 10_000)
PARTS = ("search", "filtered", "past", "words", "scaling")
DEFAULT_PARTS = ("search", "filtered", "past", "words")


def source(options: argparse.Namespace) -> Data:
    """The descriptors of the folder, else made vectors."""
    folder = folder_of(options.data)
    if folder is None:
        return made(options.size, options.dim, options.queries)
    return descriptors(folder, options.size, options.queries, options.dtype)


def sections(options: argparse.Namespace, kinds: Sequence[type[Peer]]) -> Iterator[Section]:
    """The wanted parts, each as soon as it is measured."""
    rounds, folder, parts = Rounds(options.rounds, CLOCKS[options.clock]), folder_of(options.data), options.parts
    if {"search", "filtered", "past"}.intersection(parts):
        data = source(options)
        peers, ours = list(built(kinds, data, options.cache)), prepared(data)
        if "search" in parts:
            yield searched(f"{data.name}, {len(data):,} x {data.dim} {data.dtype}, {data.metric}", ours, peers, rounds)
        if "filtered" in parts:
            yield filtered(ours, peers, rounds)
        if "past" in parts:
            yield past(ours, peers, rounds)
        ours.close()
        del peers, ours, data
    if "words" in parts and folder is not None:
        data = words(folder, options.size, options.queries)
        ours = prepared(data)
        title = f"words, {len(data):,} x {data.dim} {data.dtype}, {data.metric}"
        yield searched(title, ours, list(built(kinds, data, options.cache)), rounds)
        ours.close()
    if "scaling" in parts:
        few = [kind for kind in kinds if kind.name in ("hnswlib", "faiss ivf", "numpy exact")]
        yield scaling(options.size, options.dims, few, min(options.queries, 200), rounds)


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    options = parsed(arguments)
    one_thread()
    kinds, notes = wanted_peers(options.peers)
    if options.build_peers_only:
        for peer in built(kinds, source(options), options.cache):
            size = number(peer.extra / len(peer.data))
            print(f"{peer.name}: {peer.seconds:.1f} CPU s, {peer.wall:.1f} s, {size} B/vector", flush=True)
        return
    if "words" in options.parts and folder_of(options.data) is None:
        notes.append("words: left out, no folder of files is given")
    before, figures = machine(), []
    lines: list[Line] = []
    for section in sections(options, kinds):
        print(f"## {section.title}", section.text, sep="\n\n", end="\n\n", flush=True)
        figures.append({"title": section.title, "figures": section.figures})
        lines += section.lines
    print(*notes, f"Latency by the {options.clock} clock, {options.rounds} rounds.", sep="\n")
    print(f"{before['python']}; {before['machine']}; load {before['load']} before, {machine()['load']} after.")
    write_lines(options.json, lines, notes=notes, sections=figures)


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description="Measure vector search and print Markdown.")
    add = parser.add_argument
    add("--data", metavar="FOLDER", help="a folder with the files (or a file in it); default: made vectors")
    add("--size", type=int, default=SIZE, help="rows; of growth, the most")
    add("--dim", type=int, default=DIM, help="of made vectors")
    add("--dims", type=int, nargs="*", default=DIMS, help="of growth, with up to 10,000 vectors")
    add("--dtype", choices=("uint8", "float32"), default="uint8", help="how we store the descriptors")
    add("--queries", type=int, default=QUERIES)
    add("--rounds", type=int, default=3)
    add("--clock", choices=tuple(CLOCKS), default="wall", help="cpu: the thread's own time, for busy machines")
    add("--peers", metavar="NAMES", help="a comma list, say hnswlib,faiss,numpy; default: all; '': none")
    add("--parts", nargs="+", choices=PARTS, default=DEFAULT_PARTS)
    add("--cache", type=Path, metavar="FOLDER", help="keeps the indexes of the peers between runs")
    add("--build-peers-only", action="store_true", help="fill the cache")
    add("--json", type=Path, metavar="PATH", help="also write every figure as JSON")
    return parser.parse_args(arguments)


# -- the same as one line of the common table ----------------------------------------------------------------------


def benchmarks(size: int) -> Iterator[Benchmark]:
    """Made vectors; each candidate at its cheapest setting that reaches the recall."""
    one_thread()
    dim = DIM if size >= 1_000 else 16
    data = made(size, dim, min(QUERIES, size) // 2)
    kinds, _ = wanted_peers(None)
    ours = prepared(data)
    everyone = [ours, *built(kinds, data)]
    yield Benchmark(
        f"10 nearest vectors of {size:,} x {dim}, recall ≥ {LEVEL}",
        "searches/s",
        [_candidate(peer) for peer in everyone],
        users_bar=Bar(100),
    )
    ours.close()


def _candidate(peer: Peer) -> Candidate:
    entrants = contests(peer)
    points = race(entrants, peer.data, Rounds(1))
    good = [place for place, point in enumerate(points) if point.recall >= LEVEL] or [len(points) - 1]
    best = min(good, key=lambda place: median(points[place].p50))
    chosen = entrants[best]

    def run(search: Any) -> list[Any]:
        return list(map(search, chosen.queries))

    return Candidate(
        peer.name,
        f"{peer.does}: {chosen.setting}",
        len(chosen.queries),
        run,
        prepare=chosen.search,
        answer=lambda _, found: peer.data.recall(list(map(chosen.rows, found))) >= LEVEL - 0.05,
    )


BUILDS = [(benchmarks, SIZE)]

if __name__ == "__main__":
    main()
