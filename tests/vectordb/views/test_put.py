"""put: partial writes, late and future-dated ones, what a value may be."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest

from tests.vectordb.world import FULL, START, World, when
from vectordb import Float, InvalidCells, InvalidInput, InvalidTime, Status, Text, Timestamp, Vector, VectorDB


def test_a_write_returns_one_receipt(world: World) -> None:
    receipt = world.drivers.put("d", FULL)
    assert (receipt.offset, receipt.versions, receipt.replayed) == (2, ("drivers/d@2",), False)
    assert receipt.recorded_time == when(0)
    assert receipt.event.type == "row_put" and receipt.event.payload["entity"] == "d"


def test_a_partial_write_leaves_the_other_features(world: World) -> None:
    first = world.put("d", **FULL)
    world.tick()
    second = world.put("d", rating=2.0)
    row = world.drivers.get("d")
    assert dict(row) == {"trips": 1, "rating": 2.0, "city": "Rome"}
    assert row.versions == {"trips": first, "rating": second, "city": first}
    assert row.version == second


def test_a_write_of_nothing_is_refused(world: World) -> None:
    with pytest.raises(InvalidInput):
        world.drivers.put("d", {})
    assert world.db.head == 1


def test_a_late_write_overwrites_nothing_newer_and_enters_history(world: World) -> None:
    new = world.put("d", at=0, trips=5)
    late = world.put("d", at=-100, trips=1, rating=3.0)
    row = world.drivers.get("d")
    assert row["trips"] == 5 and row.versions["trips"] == new
    assert row["rating"] == 3.0 and row.versions["rating"] == late
    assert row.version == late, "the entity's last write by offset"
    assert world.get("d", at=-50) == {"trips": 1, "rating": 3.0, "city": None}
    assert [version.id for version in world.drivers.history("d")] == [new, late]


def test_a_future_dated_write_is_not_yet_visible_then_visible(world: World) -> None:
    now = world.put("d", trips=1)
    ahead = world.put("d", at=60, trips=9)
    assert world.drivers.get("d")["trips"] == 1
    assert world.drivers.get("d").version == now
    assert world.get("d", at=60)["trips"] == 9
    world.tick(59.999999)
    assert world.drivers.get("d")["trips"] == 1
    world.tick(0.000001)
    assert world.drivers.get("d")["trips"] == 9
    assert world.drivers.get("d").version == ahead


def test_an_entity_with_only_future_writes_does_not_exist_yet(world: World) -> None:
    world.put("d", at=60, trips=9)
    assert not world.drivers.get("d").found and "d" not in world.drivers and len(world.drivers) == 0
    world.tick(60)
    assert world.drivers.get("d").found and len(world.drivers) == 1


def test_a_write_between_two_dated_ahead_wins_only_until_they_begin(world: World) -> None:
    world.put("d", at=100, trips=100)
    world.put("d", at=50, trips=50)
    world.put("d", trips=0)
    assert [world.get("d", at=at)["trips"] for at in (0, 49, 50, 99, 100, 500)] == [0, 0, 50, 50, 100, 100]


def test_ties_of_event_time_go_to_the_later_offset(world: World) -> None:
    world.put("d", at=-5, trips=1, rating=1.0)
    world.put("d", at=-5, trips=2)
    assert world.get("d") == {"trips": 2, "rating": 1.0, "city": None}


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (2, 0, 1)])
def test_the_winner_does_not_depend_on_the_order_of_arrival(order: tuple[int, ...]) -> None:
    world = World()
    writes = [(-30, {"trips": 1, "rating": 1.0}), (-20, {"trips": 2}), (-10, {"rating": 3.0, "city": "Oslo"})]
    for place in order:
        at, values = writes[place]
        world.put("d", at=at, **values)
    assert world.get("d") == {"trips": 2, "rating": 3.0, "city": "Oslo"}
    assert world.get("d", at=-15) == {"trips": 2, "rating": 1.0, "city": None}


def test_null_is_written_and_is_not_missing(world: World) -> None:
    world.put("d", **FULL)
    world.put("d", trips=None)
    row = world.drivers.get("d")
    assert row["trips"] is None, "null shows None, not the default"
    assert row.status["trips"] is Status.NULL
    assert row["rating"] == 4.5


def test_nan_is_refused_unless_it_shall_be_null(world: World) -> None:
    with pytest.raises(InvalidCells):
        world.drivers.put("d", {"rating": math.nan})
    with pytest.raises(InvalidCells):
        world.drivers.put("d", {"rating": math.inf}, nan="null")
    world.drivers.put("d", {"rating": math.nan}, nan="null")
    assert world.drivers.get("d").status["rating"] is Status.NULL
    with pytest.raises(InvalidInput):
        world.drivers.put("d", {"rating": 1.0}, nan="keep")


@pytest.mark.parametrize("value", [3, 3.0, Decimal("3"), Fraction(3), True.__int__() + 2])
def test_a_float_takes_any_number(world: World, value: object) -> None:
    world.put("d", rating=value)
    assert world.get("d")["rating"] == 3.0 and type(world.get("d")["rating"]) is float


def test_negative_zero_is_kept(world: World) -> None:
    world.put("d", rating=-0.0)
    assert math.copysign(1, world.get("d")["rating"]) == -1


@pytest.mark.parametrize(
    ("feature", "value"),
    [
        ("trips", True), ("trips", 1.0), ("trips", "1"), ("trips", 2**53 + 1), ("trips", -(2**53) - 1),
        ("rating", True), ("rating", "1"), ("rating", b"1"), ("rating", 10**400),
        ("city", True), ("city", 1.5), ("city", b"Rome"), ("city", "\ud800"),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_refused(world: World, feature: str, value: object) -> None:
    with pytest.raises(InvalidCells) as caught:
        world.put("d", **{feature: value})
    (cell,) = caught.value.cells
    assert (cell["view"], cell["feature"], cell["entity"], cell["value"]) == ("drivers", feature, "d", value)
    assert cell["rule"]
    assert world.db.head == 1


@pytest.mark.parametrize("value", [2**53, -(2**53), 0])
def test_ints_up_to_two_to_the_53(world: World, value: int) -> None:
    world.put("d", trips=value)
    assert world.get("d")["trips"] == value


def test_categories_keep_int_and_text_apart(world: World) -> None:
    world.put("a", city=1)
    world.put("b", city="1")
    assert world.get("a")["city"] == 1 and world.get("b")["city"] == "1"


def test_an_unknown_feature_is_refused(world: World) -> None:
    with pytest.raises(InvalidCells) as caught:
        world.drivers.put("d", {**FULL, "age": 3})
    assert [cell["feature"] for cell in caught.value.cells] == ["age"]


def test_a_refusal_lists_up_to_ten_bad_cells_and_their_number() -> None:
    db = VectorDB()
    view = db.create_view("wide", entity="e", features={f"x{place}": Float() for place in range(15)})
    with pytest.raises(InvalidCells) as caught:
        view.put("e", {f"x{place}": "bad" for place in range(15)})
    assert len(caught.value.cells) == 10 and caught.value.count == 15
    assert caught.value.cells[0]["feature"] == "x0"


@pytest.mark.parametrize("entity", [True, 1.0, None, "", (), [1], ("a", ("b",)), ("a", 1.0), b"a", "\ud800", {}])
def test_entity_ids_are_text_ints_and_flat_tuples(world: World, entity: object) -> None:
    with pytest.raises(InvalidInput):
        world.drivers.put(entity, FULL)  # type: ignore[arg-type]
    assert world.db.head == 1


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (START - 1, when(-1)),
        (START - 0.5, when(-0.5)),
        ("2025-12-31T23:59:59Z", when(-1)),
        ("2026-01-01T00:59:59+01:00", when(-1)),
        (datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC), when(-1)),
        (1_767_225_599.9999995, when(-0.000001)),
    ],
)
def test_event_times_in_every_accepted_form(world: World, given: object, stored: datetime) -> None:
    world.drivers.put("d", FULL, event_time=given)
    assert world.drivers.get("d").event_time == stored


@pytest.mark.parametrize(
    "given",
    [datetime(2026, 1, 1), "2026-01-01", "2026-01-01T00:00:00", "now", True, math.nan, math.inf, b"x", 1e30],  # noqa: DTZ001
)
def test_a_time_that_is_no_instant_is_refused(world: World, given: object) -> None:
    with pytest.raises(InvalidTime):
        world.drivers.put("d", FULL, event_time=given)
    assert world.db.head == 1


def test_the_event_time_is_the_recorded_time_where_it_is_not_given(world: World) -> None:
    world.tick(7)
    world.put("d", **FULL)
    row = world.drivers.get("d")
    assert row.event_time == row.recorded_time == when(7)


def test_text_timestamps_and_vectors_come_back() -> None:
    db = VectorDB()
    view = db.create_view("v", entity="e", features={"t": Text(), "s": Timestamp(), "p": Vector(2, metric="dot")})
    view.put("a", {"t": "héllo", "s": "2026-01-01T00:00:00Z", "p": [0.5, -2]})
    view.put("a", {"s": 0})
    row = view.get("a")
    assert row["t"] == "héllo" and row["s"] == datetime(1970, 1, 1, tzinfo=UTC)
    assert row["p"].tolist() == [0.5, -2.0] and row["p"].readonly


def test_numpy_scalars_are_taken_and_vectors_with_nan_as_null(world: World) -> None:
    numpy = pytest.importorskip("numpy")
    world.drivers.put("d", {"trips": numpy.int64(3), "rating": numpy.float32(0.5), "city": numpy.str_("Rome")})
    assert world.get("d") == {"trips": 3, "rating": 0.5, "city": "Rome"}
    world.drivers.put("d", {"rating": numpy.float32("nan")}, nan="null")
    assert world.drivers.get("d").status["rating"] is Status.NULL
    view = world.db.create_view("v", entity="e", features={"p": Vector(2)})
    view.put("a", {"p": numpy.array([1.0, 2.0])}, nan="null")
    assert view.get("a")["p"].tolist() == [1.0, 2.0]


@pytest.mark.parametrize("micros", [2**60, 1e18, -(2**60)])
def test_a_clock_out_of_range_is_refused(micros: object) -> None:
    """What it recorded could not be read back."""
    now: list[object] = [START * 10**6]
    db = VectorDB(clock=lambda: now[0])  # type: ignore[arg-type,return-value]
    view = db.create_view("v", entity="e", features={"x": Float()})
    now[0] = micros
    if isinstance(micros, int) and micros < 0:
        assert view.put("a", {"x": 1.0}).event.time == START * 10**6, "it never goes back"
        return
    with pytest.raises(InvalidInput):
        view.put("a", {"x": 1.0})
    assert db.head == 1


def test_who_and_why_are_kept_with_the_event(world: World) -> None:
    meta = {"actor": "etl", "correlation": "run-9", "causation": "job-1", "tags": ["a", "b"]}
    event = world.drivers.put("d", FULL, **meta).event
    assert event.meta is not None and event.meta._asdict() == {**meta, "tags": ("a", "b")}
    with pytest.raises(InvalidInput):
        world.drivers.put("d", FULL, actor="")
