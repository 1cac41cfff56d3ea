"""Every benchmark runs at smoke size, its candidates agree, and the bars of the user are met.

Then the bench of vector search: its data and truth, its measuring, and the whole report at smoke size.
"""

from __future__ import annotations

import gzip
import json
from array import array
from importlib import import_module
from math import dist
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.bench import (
    harness,
    load,
    open_shared,
    pipelines_shared,
    quick_start,
    soak,
    soak_leaks,
    vector_data,
    vector_measure,
)
from tests.bench import sharing as shared_bench
from tests.bench.harness import Bar, Benchmark, Candidate, Disagreement, kept_bytes, measure
from tests.bench.lines import seconds
from tests.bench.report import main, measured, table, to_json
from tests.bench.runs import RUNS
from tests.bench.sharing import line as sharing_line
from tests.bench.vector_data import Data, descriptors, folder_of, made, nearest, nearest_plain, words
from tests.bench.vector_measure import (
    Contest,
    Point,
    Rounds,
    built,
    contests,
    curve,
    latency_at,
    race,
    ratio,
    wanted_peers,
)
from tests.bench.vector_parts import bars, cheapest
from tests.bench.vector_puts import grow
from tests.bench.vector_puts import lines as put_lines
from tests.bench.vector_search import main as search_main

SMOKE = 200
MODULES = [import_module(f"tests.bench.{run.module}") for run in RUNS if run.harness]


@pytest.fixture(autouse=True)
def uncollected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is timed at smoke size, so nothing need be collected before each call: 60 s instead of 200."""
    monkeypatch.setattr(harness, "gc", SimpleNamespace(collect=int, freeze=int, unfreeze=int))


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_every_benchmark_runs_and_its_candidates_agree(module: Any) -> None:
    results = list(measured([(build, SMOKE) for build, _ in module.BUILDS], repeats=2))
    assert results
    for result in results:
        assert all(value > 0 for figure in result.figures for value in figure.values)
        users_bar = result.benchmark.users_bar
        assert users_bar is None or users_bar.met(result), (
            result.benchmark.operation,
            result.figures[0].values,
        )


def test_reads_under_load_run_in_every_combination() -> None:
    cells = list(load.grid(60, 0.02, batches=(1, 10), readers=(1, 3)))
    assert len({cell[:4] for cell in cells}) == 16 == len(cells)
    assert all(cell.calls > 0 and 0 < cell.p50 <= cell.p99 for cell in cells)
    assert all((cell.writes > 0) == (cell.writer == "busy") for cell in cells)
    one, ten = load.lines(cells)
    assert (one.operation[:16], ten.operation[:17]) == ("reads of 1 by 3 ", "reads of 10 by 3 ")
    assert f"p99 {seconds(cells[7].p99 / 1e6)}, " in one.measured and seconds(cells[0].p50 / 1e6) in one.beside


def test_mixed_queries_run_on_and_on_in_the_same_memory() -> None:
    first, middle, last = load.sustained(100, 1.2, slices=3)
    (line,) = load.lines([first, middle, last])
    assert line.measured.startswith(f"p99 {seconds(min(first.p99, middle.p99, last.p99) / 1e6)} to ")
    assert first.calls > 0 and last.calls > 0 and last.p99 < 1_000_000
    assert last.megabytes - first.megabytes < 50


def test_a_start_is_timed_with_the_same_answers(tmp_path: Path) -> None:
    made_data = lambda: made(300, 8, queries=30)  # noqa: E731 - asked for once, when there is nothing yet
    (one,) = quick_start.run(200, made_data, single=False, folder=tmp_path, ways=["checkpoint"])
    assert one.covered == 4 and len(one.answers) == 23
    assert 0 < one.opened <= one.read <= one.searched and one.megabytes > 10
    told = quick_start.Told(*json.loads((tmp_path / quick_start.TOLD).read_text()))
    assert quick_start.start(tmp_path, "replay, lazily", told).covered == 0
    (line,) = quick_start.lines([one], 200, 300)
    assert seconds(one.searched) in line.measured and line.met is None
    (full,) = quick_start.lines([one._replace(searched=11.0)], 1_000_000, 300)
    assert full.bar == "≤ 10 s" and full.met is False


def test_a_soak_stays_in_the_same_memory_and_lets_go_what_it_should() -> None:
    windows = list(soak.soak(3_000, 100, windows=3))
    assert [window.events for window in windows] == sorted(window.events for window in windows)
    assert all(0 < one.get_p50 <= one.get_p999 <= one.get_max and one.rate > 0 for one in windows)
    memory, reads, *_ = soak.lines(windows, 100)
    assert memory.met == (windows[-1].per_event <= 300) and "in 3 windows" in reads.operation
    *_, last = soak.soak(3_000, 50, windows=6, retention=500)
    assert last.events > 3_000 and last.put_p50 > 0


def test_nothing_is_left_behind_by_what_only_reads() -> None:
    found = list(soak_leaks.leaks(turns=10))
    assert len(found) == 15
    assert [leak for leak in found if leak.bytes_a_turn > 400] == []
    (line,) = soak.leak_lines(found)
    assert "after 10 turns of each of 15 kinds" in line.measured


def test_sharing_is_measured_with_equal_results() -> None:
    points = list(shared_bench.run([50, 9_000], rounds=1))
    assert [point.rows for point in points] == [50, 9_000] and all(point.times_faster > 0 for point in points)
    assert sharing_line("work", points[0], 1e9).met is False and sharing_line("work", points[0]).met is None
    fast, slow = shared_bench.Shared(200, 2.0, 1.0), shared_bench.Shared(100, 1.0, 2.0)
    assert shared_bench.crossover([fast, slow]) == 200 and shared_bench.crossover([slow]) is None


def test_two_processes_fit_and_transform_to_the_same_bits() -> None:
    timings = list(pipelines_shared.run([50, 9_000], rounds=1))
    assert [(what, point.rows) for what, point in timings] == [
        (what, rows) for rows in (50, 9_000) for what in ("fit", "transform", "heavy transform")]  # fmt: skip
    assert all(point.times_faster > 0 for _, point in timings)


def test_opening_with_two_processes_is_measured_with_equal_state() -> None:
    (point,) = open_shared.run([6_000], rounds=1)
    assert point.events == 6_000 and point.timing.times_faster > 0 and point.workers > 0
    assert " 6,000 events: alone " in point.told()


def test_all_benchmarks_are_in_the_one_command() -> None:
    folder = Path(harness.__file__).parent
    commands = {path.stem for path in folder.glob("*.py") if "\nif __name__ ==" in path.read_text("utf-8")}
    assert commands - {"__main__"} == {run.module for run in RUNS}
    assert len({run.name for run in RUNS}) == len(RUNS)


def one(
    name: str, answer: Any = 1, units: int = 10, run: Any = lambda prepared: sorted(range(1000))
) -> Candidate:
    return Candidate(name, "sorts", units, run, answer=lambda prepared, result: answer)


def test_a_candidate_with_another_answer_ends_the_measurement() -> None:
    with pytest.raises(Disagreement, match="first and second differ"):
        measure(Benchmark("sort", "sorts/s", [one("first"), one("second", answer=2)]))


def test_rounds_are_interleaved_and_the_first_one_is_left_out() -> None:
    order: list[str] = []
    names = ["a", "b", "c"]
    candidates = [one(name, run=lambda prepared, name=name: order.append(name)) for name in names]
    result = measure(Benchmark("sort", "sorts/s", candidates), repeats=2)
    assert order == ["a", "b", "c", "b", "c", "a", "c", "a", "b"]
    assert [len(figure.values) for figure in result.figures] == [2, 2, 2]


def test_everything_is_closed_when_a_candidate_fails() -> None:
    closed: list[Any] = []

    def fail(prepared: Any) -> None:
        raise ArithmeticError

    candidate = Candidate(
        "first", "fails", 1, fail, lambda: "it", close=lambda prepared, result: closed.append(prepared)
    )
    with pytest.raises(ArithmeticError):
        measure(Benchmark("fail", "a/s", [candidate]))
    assert closed == ["it"]


def test_kept_bytes_counts_what_the_result_keeps() -> None:
    candidates = [
        one("first", run=lambda prepared: bytes(100_000)),
        one("second", run=lambda prepared: bytes(50_000)),
    ]
    result = measure(
        Benchmark("keep", "B", candidates, meter=kept_bytes, at_most_once=True, bar=Bar(11_000, "at most"))
    )
    ours, other = result.figures
    assert 10_000 <= ours.median < 10_200
    assert 5_000 <= other.median < 5_200
    assert other.ratio.median == pytest.approx(2, rel=0.05)
    assert result.benchmark.bar is not None and result.benchmark.bar.met(result)


@pytest.mark.parametrize(
    ("bar", "met"),
    [
        (Bar(1), True),
        (Bar(1e15), False),
        (Bar(1e6, "within", "second"), True),
        (Bar(0, "within", "second"), False),
    ],
)
def test_bars(bar: Bar, met: bool) -> None:
    result = measure(Benchmark("sort", "sorts/s", [one("first"), one("second")], bar=bar), repeats=1)
    assert bar.met(result) is met
    assert ("yes" if met else "no") in table([result])
    assert to_json([result])["results"][0]["our_bar"]["met"] is met


def test_the_command_prints_one_table_and_writes_json(tmp_path: Any, capsys: Any) -> None:
    benchmark = Benchmark("sort", "sorts/s", [one("first"), one("second")], users_bar=Bar(1), predicted=5)
    path = tmp_path / "figures.json"
    main([(lambda size: [benchmark], 10)], ["--repeats", "2", "--json", str(path)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith("| sort | sorts/s | ≥ 1 |")
    assert lines[0].count("|") == lines[2].count("|")
    data = json.loads(path.read_text("utf-8"))
    assert [len(candidate["values"]) for candidate in data["results"][0]["candidates"]] == [2, 2]


# -- vector search -------------------------------------------------------------------------------------------------


def line(rows: int, asked: list[int]) -> Data:
    """Rows 0, 1, 2, ... on a line of one dimension, uint8."""
    return Data("line", "euclidean", "uint8", 1, bytes(range(rows)), bytes(asked), [0] * rows)


def without_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_data, "find_spec", lambda name: None)


def test_made_vectors_repeat_with_the_seed_and_differ_without(monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        first, again, other = (made(50, 6, 5, seed=seed) for seed in (1, 1, 2))
        assert first.rows == again.rows != other.rows
        assert (len(first), len(first.asked), len(first.photo)) == (50, 5, 50)
        without_numpy(monkeypatch)


def test_made_unit_vectors_have_length_one(monkeypatch: pytest.MonkeyPatch) -> None:
    without_numpy(monkeypatch)
    for row in made(30, 6, 3, metric="cosine").asked:
        assert dist(row, [0.0] * 6) == pytest.approx(1, abs=1e-6)


def test_numpy_and_plain_python_find_the_same_neighbours() -> None:
    pytest.importorskip("numpy")
    data = made(400, 8, 10)
    flags = bytearray([place % 3 == 0 for place in range(400)])
    assert nearest(data) == [nearest_plain(data, query) for query in data.asked]
    assert nearest(data, flags, 4) == [nearest_plain(data, query, flags) for query in data.asked[:4]]
    assert all(flags[row] for own in nearest(data, flags) for row in own)


def test_recall_counts_hits_by_distance_so_that_ties_cost_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    without_numpy(monkeypatch)
    data = line(30, [15])
    assert data.truth == [[15, 14, 16, 13, 17, 12, 18, 11, 19, 10]]
    assert data.recall([[15, 14, 16, 13, 17, 12, 18, 11, 19, 20]]) == 1.0  # 20 is as near as 10
    assert data.recall([[15, 14, 16, 13, 17, 12, 18, 11, 19, 25]]) == 0.9
    assert data.recall([[15, 15, 15]]) == 0.1
    assert data.recall([[]]) == 0.0
    assert data.recall([[3]], [[3]]) == 1.0


def test_the_files_of_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "descriptors.u8").write_bytes(bytes(range(5)) * 128)
    (tmp_path / "descriptors_queries.u8").write_bytes(bytes(256))
    (tmp_path / "descriptors_photo.i32.gz").write_bytes(gzip.compress(array("i", [7, 7, 8, 9, 9]).tobytes()))
    (tmp_path / "descriptors_truth.i32").write_bytes(array("i", range(200)).tobytes())
    for dtype, size in (("uint8", 128), ("float32", 512)):
        data = descriptors(tmp_path, 4, 2, dtype)
        assert (len(data), data.size, data.photo, len(data.asked)) == (4, size, [7, 7, 8, 9], 2)
        assert data.known is None  # the truth is that of a million rows
        assert data.struct.unpack(data.cells[1])[:3] == (3, 4, 0)
    monkeypatch.setenv("VECTORDB_BENCH_DATA", str(tmp_path / "descriptors.u8"))
    assert folder_of(None) == folder_of(str(tmp_path)) == tmp_path
    monkeypatch.delenv("VECTORDB_BENCH_DATA")
    assert folder_of(None) is None


def test_words_are_searched_without_their_queries(tmp_path: Path) -> None:
    rows = [[float(place == axis) for axis in range(100)] for place in range(20)]
    (tmp_path / "words100.f32").write_bytes(b"".join(array("f", row).tobytes() for row in rows))
    (tmp_path / "words100_qrows.i32").write_bytes(array("i", [3, 5]).tobytes())
    table = [[3, 5, 4, *range(98)], [5, 3, 6, *range(98)]]
    (tmp_path / "words100_gt101.i32").write_bytes(array("i", [row % 20 for own in table for row in own]).tobytes())
    assert len(words(tmp_path, 7)) == 7 and words(tmp_path, 7).known is None
    data = words(tmp_path, 20)
    assert len(data) == 18 and data.asked == [tuple(rows[3]), tuple(rows[5])]
    assert [own[0] for own in data.truth] == [3, 4]  # 4 and 6, counted without 3 and 5
    assert data.struct.unpack(data.cells[3]) == tuple(rows[4])


def point(name: str, recall: float, *p50: float) -> Point:
    return Point(name, None, recall, p50, p50, 100)


def test_latency_is_interpolated_on_a_log_scale_at_equal_recall() -> None:
    points = [point("ours", 0.8, 100, 200), point("ours", 1.0, 400, 800), point("ours", 0.7, 300, 600)]
    own = curve(points, "ours", 0)
    assert own == [(0.8, 100), (1.0, 400)]  # the third is beaten in both
    assert latency_at(own, 0.9) == pytest.approx(200)
    assert latency_at(own, 0.5) == 100 and latency_at(own, 1.0) == pytest.approx(400)
    assert latency_at(own[:1], 0.9) is None and latency_at([], 0.9) is None
    found = ratio([*points, point("peer", 0.9, 600, 600)], "peer", 0.9)
    assert found is not None and (found.low, found.high) == (pytest.approx(1.5), pytest.approx(3))
    assert ratio([*points, point("peer", 0.85, 600, 600)], "peer", 0.9) is None


def test_bars_are_met_by_settings_and_not_by_interpolation() -> None:
    points = [point("ours", 0.949, 10, 10), point("ours", 0.96, 30_000, 30_000), point("ours", 0.97, 20_000, 20_000)]
    assert cheapest(points, 0.95) is points[2] and cheapest(points, 0.98) is None
    ours: Any = SimpleNamespace(data=line(30, [1]))
    assert bars(points, ours, []) == [("user: p50 µs at recall .95 ≤ 10,000", "20,000", "no")]
    assert bars(points[:1], ours, []) == [("user: p50 µs at recall .95 ≤ 10,000", "not measured", "")]


def test_a_race_interleaves_blocks_and_asks_every_query_once_a_round() -> None:
    data = line(30, list(range(60)))
    order: list[tuple[str, int]] = []

    def contest(name: str, count: int) -> Contest:
        def search(query: int) -> list[int]:
            order.append((name, query))
            return [query]

        return Contest(name, 0, lambda: search, list(range(count)), list)

    points = race([contest("a", 60), contest("b", 10)], data, Rounds(2), [[query] for query in range(60)])
    assert [(one.name, one.recall, one.queries, len(one.p50)) for one in points] == [("a", 1, 60, 2), ("b", 1, 10, 2)]
    assert order[:3] == [("a", 59), ("a", 0), ("a", 1)]  # the first only warms up
    assert order.count(("b", 4)) == 2 and order.count(("a", 4)) == 2
    assert order.index(("b", 0)) < order.index(("a", 55))


def test_absent_peers_are_left_out_with_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_measure, "library", lambda name: None)
    kinds, notes = wanted_peers(None)
    assert [kind.name for kind in kinds] == ["plain python"]
    assert "numpy exact: left out, numpy is not installed" in notes and len(notes) == 7
    assert wanted_peers("") == ([], [])


def test_a_kept_index_answers_as_the_built_one(tmp_path: Path) -> None:
    pytest.importorskip("numpy")
    kinds, _ = wanted_peers("hnswlib,faiss,usearch,annoy")
    data = made(300, 8, 10)
    for kind in kinds:
        first, again = (next(built([kind], data, tmp_path)) for _ in range(2))
        assert again.kept is (kind.name != "faiss flat") and not first.kept
        one, other = (race(contests(peer)[:1], data, Rounds(1))[0] for peer in (first, again))
        assert one.recall == other.recall > 0.3
        assert (first.extra, first.wall) == (again.extra, again.wall) or not again.kept


@pytest.mark.parametrize("peers", ["hnswlib,faiss-ivf,numpy,plain-python", ""])
def test_the_whole_report_at_smoke_size(peers: str, tmp_path: Path, capsys: Any) -> None:
    path, cache = tmp_path / "figures.json", tmp_path / "cache"
    shape = ["--size", "2100", "--dim", "8", "--queries", "30", "--rounds", "1", "--clock", "cpu", "--peers", peers]
    search_main([*shape, "--parts", "search", "filtered", "past", "--json", str(path), "--cache", str(cache)])
    report = json.loads(path.read_text("utf-8"))
    search, filtered, past = report["sections"]
    told = [line["operation"] for line in report["lines"]]
    assert sum("recall@10 of" in one for one in told) >= 1 and len([one for one in told if "may be found" in one]) == 13
    ours = [one for one in search["figures"]["points"] if one["name"] == "ours"]
    assert max(one["recall"] for one in ours) >= 0.9
    assert len(filtered["figures"]) == 9 and len(past["figures"]) == 4
    for question in (*filtered["figures"], *past["figures"]):
        assert max(one["recall"] for one in question["points"] if one["name"] == "ours") >= 0.9, question["name"]
    assert "met |" in capsys.readouterr().out
    search_main([*shape, "--build-peers-only", "--cache", str(cache)])
    assert "ours" not in capsys.readouterr().out
    for kept in cache.glob("*.json"):
        assert json.loads(kept.read_text("utf-8"))[0] > 0


def test_growth_measures_every_shape(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "figures.json"
    shape = ["--size", "60", "--dims", "3", "5", "--queries", "9", "--rounds", "1", "--peers", "numpy"]
    search_main([*shape, "--parts", "scaling", "--json", str(path)])
    (section,) = json.loads(path.read_text("utf-8"))["sections"]
    assert [(one["count"], one["dim"]) for one in section["figures"]] == [(60, 3), (60, 5)]
    assert all(point["recall"] == 1.0 for one in section["figures"] for point in one["points"])
    assert "| 60 x 5 |" in capsys.readouterr().out


def test_puts_with_searches_between_them_are_timed() -> None:
    growth = grow(2_100, 120, 8)
    assert 0 < growth.put_p50 <= growth.put_p99 <= growth.put_max
    assert growth.search_between > 0 and growth.search_grown > 0 and growth.search_fresh > 0
    put, search = put_lines(growth._replace(put_p99=6_000.0, search_grown=1.0, search_fresh=1.0), 120, 2_100)
    assert (put.met, search.met, search.measured) == (False, True, "1.00x (1.00 us)")
