"""What each story says, in words: the key rule of every story, asked of the replayed ledger."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.replay.fixtures import EVENTS, V1, replayed
from tests.replay.stories import ALL_TYPES, START, day, sample
from tests.replay.stories_of_audit import STORIES
from vectordb import IdempotencyConflict, OffsetConflict, Pruned, TimeOutOfRange, UnknownName

MICROSECOND = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def test_every_story_has_its_words_here() -> None:
    tested = {name.removeprefix("test_").split("__")[0] for name in globals() if "__" in name}
    assert set(STORIES) <= tested


def test_late_arrival__overwrites_nothing_newer() -> None:
    db = replayed("late_arrival")
    now = db.view("drivers").get("d-7")
    assert dict(now) == {"trips": 14, "rating": 4.5, "city": "Rome"}
    assert now.versions == {"trips": "drivers/d-7@6.2", "rating": "drivers/d-7@3", "city": "drivers/d-7@2"}
    assert now.version == "drivers/d-7@6.2"  # the last by offset, whatever it dates from
    after = db.as_of(3).view("drivers").get("d-7")
    assert (after["trips"], after["rating"], after.version) == (12, 4.5, "drivers/d-7@3")


def test_late_arrival__valid_at_and_known_at_are_two_questions() -> None:
    db = replayed("late_arrival")
    known = [db.as_of(offset).view("drivers").get("d-7", at=day(6))["trips"] for offset in (2, 3, 5, 6)]
    assert known == [0, 9, 9, 9]  # 0 is the default: nothing was known of day 6 then
    assert [db.view("drivers").get("d-7", at=day(number))["trips"] for number in (2, 3, 4, 5, 10, 11)] == [
        0, 1, 7, 9, 13, 14,
    ]  # fmt: skip
    assert [version.offset for version in db.view("drivers").history("d-7")] == [2, 3, 4, 5, 6, 6]


def test_late_arrival__a_tie_of_event_times_goes_to_the_later_offset() -> None:
    assert replayed("late_arrival").as_of(4).view("drivers").get("d-7")["trips"] == 13


def test_future_date__is_not_yet_visible() -> None:
    db = replayed("future_date")
    assert db.as_of(3).view("prices").get("tea")["price"] == 3.0
    assert not db.as_of(4).view("prices").get("new").found
    assert "new" not in db.as_of(4).view("prices")
    assert db.as_of(4).view("prices").entities() == ["tea"]


def test_future_date__holds_from_its_instant_on() -> None:
    db = replayed("future_date")
    assert db.as_of(mark="sale").view("prices").get("tea")["price"] == 2.5
    assert db.as_of(time=day(1) - MICROSECOND).view("prices").get("tea")["price"] == 3.0
    now = db.view("prices").get("tea")
    assert (now["price"], now["label"]) == (2.5, "still today")
    assert db.view("prices").get("tea", at=day(3))["price"] == 2.75
    assert db.view("prices").get("new", at=day(2))["label"] == "launch"
    with pytest.raises(TimeOutOfRange):
        db.as_of(time=day(2))


def test_partial_writes__keep_what_they_do_not_carry() -> None:
    db = replayed("partial_writes")
    row = db.view("drivers").get("d-7")
    assert dict(row) == {"trips": 2, "rating": 4.25, "city": "Rome"}
    assert row.versions == {"trips": "drivers/d-7@5", "rating": "drivers/d-7@6.0", "city": "drivers/d-7@4"}


def test_partial_writes__null_is_not_missing() -> None:
    db = replayed("partial_writes")
    before = db.as_of(4).view("drivers").get("d-7")
    assert before["rating"] is None
    assert {name: str(status) for name, status in before.status.items()} == {
        "trips": "present", "rating": "null", "city": "present",
    }  # fmt: skip
    other = db.view("drivers").get("d-8")
    assert (other["trips"], str(other.status["trips"])) == (None, "null")  # not the default
    assert (other["rating"], str(other.status["rating"])) == (None, "missing")
    assert other.versions["rating"] is None


def test_redefinition__the_past_keeps_its_definition() -> None:
    db = replayed("redefinition")
    columns = [db.as_of(offset).view("users").features for offset in (1, 3, 5, 8)]
    assert columns == [("age", "score"), ("age", "score", "tier"), ("age", "tier"), ("tier", "score", "age")]
    assert [db.as_of(offset).view("users").version for offset in (2, 4, 7, 9)] == [1, 2, 3, 4]
    assert db.as_of(7).view("users").definition.owner == "growth"
    with pytest.raises(UnknownName):
        _ = db.as_of(7).view("users").get("ann")["score"]


def test_redefinition__old_rows_read_the_default_of_an_added_feature() -> None:
    row = replayed("redefinition").as_of(3).view("users").get("ann")
    assert (row["tier"], str(row.status["tier"])) == ("basic", "missing")


def test_redefinition__a_feature_that_returns_has_its_old_values() -> None:
    db = replayed("redefinition")
    ann = db.as_of(8).view("users").get("ann", at=START)  # the new time to live has not passed at the start
    assert ann["score"] == 0.75
    assert str(db.as_of(8).view("users").get("ann").status["score"]) == "expired"
    assert db.as_of(8).view("users").get("cid")["score"] is None  # the new version has no default any more
    assert db.view("users").get("bob")["score"] == 0.125


def test_redefinition__time_to_live_is_that_of_the_reader() -> None:
    db = replayed("redefinition")
    assert str(db.as_of(7).view("users").get("ann").status["age"]) == "present"
    assert str(db.view("users").get("ann").status["age"]) == "expired"
    assert db.view("users").get("ann")["age"] == -1


def test_deletion_and_return__hides_late_rows() -> None:
    db = replayed("deletion_and_return")
    gone = db.as_of(3).view("drivers").get("d-7")
    assert (gone.found, gone.version, dict(gone)) == (False, None, {"trips": 0, "rating": None, "city": None})
    late = db.as_of(4).view("drivers").get("d-7")
    assert (late.found, late["trips"]) == (False, 0)
    assert not db.view("drivers").get("ghost").found


def test_deletion_and_return__revives_only_what_is_written() -> None:
    row = replayed("deletion_and_return").view("drivers").get("d-7")
    assert (row.found, dict(row)) == (True, {"trips": 0, "rating": 3.5, "city": None})


def test_deletion_and_return__old_labels_still_see_the_value() -> None:
    db = replayed("deletion_and_return")
    assert db.view("drivers").get("d-7", at=day(2))["trips"] == 12
    assert db.view("drivers").get("d-7", at=day(3))["trips"] == 99  # as known now, before the delete of day 4
    assert db.as_of(8).view("drivers").entities() == ["d-7", "d-8", "d-9"]
    assert db.view("drivers").entities() == ["d-7", "d-8"]


def test_expiry__both_ends_of_the_window_count() -> None:
    db = replayed("expiry")
    edge, past = db.as_of(mark="edge"), db.as_of(mark="past the edge")
    assert edge.view("cars").get("c-1")["speed"] == 50.5
    row = past.view("cars").get("c-1")
    assert {name: str(status) for name, status in row.status.items()} == {
        "speed": "expired", "gear": "present", "note": "expired",
    }  # fmt: skip
    assert (row["speed"], row["note"]) == (0.0, None)  # the default where there is one
    assert row.versions["speed"] == "cars/c-1@2"


def test_expiry__no_older_value_resurfaces() -> None:
    db = replayed("expiry")
    row = db.view("cars").get("c-1")
    assert (row["gear"], str(row.status["gear"]), row.versions["gear"]) == (None, "expired", "cars/c-1@4")
    late = db.view("cars").get("c-2")
    assert late.found
    assert {str(status) for name, status in late.status.items() if name != "gear"} == {"expired"}


def test_idempotent_retry__is_the_first_write() -> None:
    db = replayed("idempotent_retry")
    assert db.head == 6  # the retries are not there
    again = db.view("drivers").put("d-7", {"trips": 1, "rating": 5.0}, idempotency_key="put-1")
    assert (again.replayed, again.offset, again.versions) == (True, 2, ("drivers/d-7@2",))
    batch = {"driver": ["d-8", "d-9"], "trips": [2, 3]}
    assert db.view("drivers").put_many(batch, idempotency_key="batch-1").offset == 3
    assert db.view("drivers").delete("d-9", idempotency_key="delete-1").offset == 4
    with db.transaction(idempotency_key="tx-1") as tx:
        tx.view("drivers").put("d-6", {"trips": 6})
    assert tx.receipt is not None
    assert (tx.receipt.offset, tx.receipt.replayed, db.head) == (5, True, 6)


def test_idempotent_retry__with_other_arguments_is_refused() -> None:
    db = replayed("idempotent_retry")
    with pytest.raises(IdempotencyConflict):
        db.view("drivers").put("d-7", {"trips": 2, "rating": 5.0}, idempotency_key="put-1")
    with pytest.raises(OffsetConflict):
        db.view("drivers").put("d-7", {"trips": 3}, expected_offset=2)
    assert db.head == 6


def test_transaction_over_two_views__is_one_event() -> None:
    db = replayed("transaction_over_two_views")
    event = db.event(4)
    assert (event.type, event.rows, event.views) == ("transaction_committed", 5, ("accounts", "transfers"))
    assert event.meta is not None
    assert (event.meta.actor, event.meta.correlation, event.meta.causation) == ("bank", "c-1", "order-5")
    before, after = db.as_of(3), db.as_of(4)
    total = [sum(row["cents"] for row in past.view("accounts").get_many(["a", "b"])) for past in (before, after)]
    assert total == [600, 600]
    assert (len(before.view("transfers")), len(after.view("transfers"))) == (0, 1)
    assert after.view("transfers").get("t-1").version == "transfers/t-1@4.3"


def test_transaction_over_two_views__the_later_row_wins() -> None:
    db = replayed("transaction_over_two_views")
    accounts = db.as_of(4).view("accounts")
    assert accounts.get("b").versions["cents"] == "accounts/b@4.2"
    assert not accounts.get("c").found
    back = db.view("accounts").get("a")
    assert (back.found, back["open"], back["cents"]) == (True, True, 0)


def test_backfill_of_one_entity_in_one_batch__fills_every_day() -> None:
    db = replayed("backfill_of_one_entity_in_one_batch")
    meters = db.as_of(3).view("meters")
    kwh = {number: meters.get("m-1", at=day(number))["kwh"] for number in range(1, 19)}
    assert kwh == {number: number + 0.25 for number in range(1, 19)}
    assert meters.get("m-1").versions == {"kwh": "meters/m-1@3.11", "state": "meters/m-1@3.11", "n": "meters/m-1@3.11"}
    assert meters.get("m-1", at=day(9)).versions["kwh"] == "meters/m-1@3.18"  # of equal days the later row
    assert db.as_of(2).view("meters").get("m-1", at=day(9)).found is False


def test_backfill_of_one_entity_in_one_batch__takes_corrections_null_and_missing() -> None:
    db = replayed("backfill_of_one_entity_in_one_batch")
    meters = db.view("meters")
    assert meters.get("m-1", at=day(4))["kwh"] == 4.75
    assert meters.get("m-1", at=day(4))["n"] == 3  # its own cell is missing: the day before holds
    assert db.as_of(4).view("meters").get("m-1")["kwh"] == 18.25  # the reading of day 22 lies ahead
    assert (meters.get("m-1")["kwh"], meters.get("m-1")["n"]) == (22.25, None)


def test_fork__says_where_it_left_its_parents() -> None:
    twig = replayed("fork")
    branch = twig.header.parent
    assert branch is not None
    assert branch.parent is not None
    assert (branch.offset, branch.parent.offset, branch.parent.parent) == (4, 3, None)
    assert (branch.digest, branch.parent.digest) == (twig.digest(4), twig.digest(3))
    assert len({twig.header.ledger_id, branch.ledger_id, branch.parent.ledger_id}) == 3


def test_fork__shares_its_parents_past_and_nothing_later() -> None:
    twig = replayed("fork")
    told = STORIES["fork"]()
    assert [twig.digest(offset) for offset in range(1, 5)] == [told.db.digest(offset) for offset in range(1, 5)]
    assert twig.view("drivers").get("d-7")["trips"] == 30
    assert twig.as_of(3).view("drivers").get("d-7")["trips"] == 2
    assert twig.view("drivers").entities() == ["d-7", "d-9"]  # d-8 came to the branch after the twig left


def shown(value: object) -> object:
    return value.tolist() if isinstance(value, memoryview) else value


def stored(name: str, value: object) -> object:
    """What a read gives for a written value: floats of vectors rounded to their element type, bits packed."""
    kind = ALL_TYPES[name]
    return shown(kind.show(kind.check(value)))


def same(left: object, right: object) -> bool:
    return repr(left) == repr(right)  # tells -0.0 from 0.0, and 1 from True and 1.0


@pytest.mark.parametrize("number", range(18))
def test_all_types__come_back_as_they_were_written(number: int) -> None:
    row = replayed("all_types").view("things").get(number)
    expected = dict.fromkeys(ALL_TYPES) if number == 4 else sample(number)
    for name in ALL_TYPES:
        if (number, name) in {(10, "f16"), (10, "bits")} or (number == 9 and name != "words"):
            default = ALL_TYPES[name].default
            assert str(row.status[name]) == "missing"
            assert same(shown(row[name]), None if default is None else stored(name, default))
        elif number == 9:
            assert row[name] == "alone"
        else:
            assert same(shown(row[name]), None if expected[name] is None else stored(name, expected[name])), name


def test_all_types__entity_ids_keep_their_type() -> None:
    db = replayed("all_types")
    things = db.view("things")
    rows = {entity: things.get(entity) for entity in (7, "7", ("7",), 2**70, "ключ @1.2/\"'", "[1]")}
    assert all(row.found for row in rows.values())
    assert len({row.version for row in rows.values()}) == len(rows)
    for entity, row in rows.items():
        assert row.version is not None
        assert db.version(row.version).entity == entity
    assert not things.get(("eu", 7)).found
    assert db.as_of(14).view("things").get(("eu", 7)).found


def test_all_types__minus_zero_and_unicode_survive() -> None:
    things = replayed("all_types").view("things")
    assert things.get(7, at=START + timedelta(seconds=2))["real"].hex() == (-0.0).hex() != (0.0).hex()
    assert things.get("unknown")["words"] == "—"
    assert things.get("unknown")["when"] == EPOCH - MICROSECOND
    assert things.get(2)["words"] == "雪\u2028\U0001f427"


def test_prediction__is_reproduced_whatever_came_later() -> None:
    db = replayed("prediction")
    results = [db.reproduce(prediction.id) for prediction in db.predictions()]
    assert len(results) == 14
    assert all(result.matches and result.inputs for result in results)
    assert [result.output for result in results].count(True) == 8  # the other models are no data
    first = db.predictions()[0]
    assert (first.entities, first.inputs["age"]) == ((1, ("eu", 7)), 41)
    assert db.service("pairs").get({"user": 1, "item": ("eu", 7)})["price"] == 25.0


def test_prediction__pins_what_the_read_saw() -> None:
    db = replayed("prediction")
    told = db.predictions("pairs", (1, "eu", 7))
    assert [prediction.inputs["price"] for prediction in told] == [19.9] * 4 + [25.0] * 2
    assert told[0].versions["price"] != told[-1].versions["price"]
    past = db.as_of(prediction=told[0].id).service("pairs")
    assert past.version == 1  # the service has another definition by now
    assert past.get({"user": 1, "item": ("eu", 7)}, request={"km": 3.1, "slot": "am"})["age"] == 41


def test_prediction__states_tell_null_missing_and_expired() -> None:
    db = replayed("prediction")
    states = {prediction.states["age"] + prediction.states["price"] for prediction in db.predictions("pairs")}
    assert states == {"pp", "pm", "mp", "pn", "xm"}


def test_prediction__keeps_its_model_version_and_assignment() -> None:
    db = replayed("prediction")
    last = db.predictions("pairs")[-1]
    assert (last.model, last.output, last.assignment) == ("cost@2", 3.0, {"experiment": "x", "arm": "b"})
    assert db.model("cost@1").definition.parameters["intercept"] == 1e-3


def test_pipeline__every_prediction_comes_back_through_its_own() -> None:
    db = replayed("pipeline")
    predictions = db.predictions()
    assert [prediction.pipeline for prediction in predictions] == [1] * 11 + [3, 1, 1]  # versions count by service
    for prediction in predictions:
        result = db.reproduce(prediction.id)
        assert result.inputs and result.row.pipeline == f"{prediction.service.partition('@')[0]}#{prediction.pipeline}"
    assert db.service("ranker").parity().holds and db.service("counts").parity().holds


def test_pipeline__unknown_and_missing_values_follow_the_policy() -> None:
    db = replayed("pipeline")
    first = db.predictions()[9].as_of
    row = db.as_of(first).service("ranker").get("d-1")
    assert row.inputs["city"] == "Kyiv" and [row[f"city_{city}"] for city in ("Bonn", "Oslo", "Rome")] == [0.0] * 3
    unknown = db.as_of(first).service("ranker").get("nobody")
    assert unknown.inputs["rating"] is None and unknown["rating"] == 0.0
    assert unknown["seen_hour"] != unknown["seen_hour"]  # NaN


def test_pipeline__a_fit_says_what_it_saw() -> None:
    db = replayed("pipeline")
    fits = [event.payload["fitted"] for event in db.events(type="pipeline_fitted")]
    assert [(fit["service"], fit["version"], fit["rows"]) for fit in fits] == [
        ("ranker@1", 1, 8), ("ranker@1", 2, 8), ("ranker@2", 3, 5)]  # fmt: skip
    assert "spine" in fits[2] and db.service("ranker").fitted.version == 3
    assert db.service("counts").fitted.given and db.service("counts").get("d-0").vector() == [0.0]  # expired: unknown


def test_experiment__growing_traffic_and_moving_weights_leave_units_where_they_are() -> None:
    db = replayed("experiment")
    exposed = [event.offset for event in db.events(type="exposures_recorded")][:2]
    small, grown = (db.as_of(offset).experiment("ranking") for offset in exposed)
    before = {one.unit: one.arm for one in small.exposures()}
    after = {one.unit: one.arm for one in grown.exposures()}
    assert len(before) < len(after) == 60 and before.items() <= after.items()
    moved = db.as_of(mark="weights").experiment("ranking")
    assert moved.definition.arms == {"control": 0.2, "treatment": 0.8}
    assert {unit: moved.assign(unit).arm for unit in after} == after  # sticky


def test_experiment__counts_what_followed_the_exposure_within_its_window() -> None:
    db = replayed("experiment").as_of(mark="weights")
    spend, paid = (db.experiment("ranking").analyze(metric) for metric in ("spend", "paid"))
    assert (spend.exposed, spend.forced, spend.conflicted) == (59, 1, 0)  # the forced one counts nowhere
    assert sum(arm.n for arm in spend.arms) == 59 == sum(arm.exposed for arm in spend.arms)  # ints
    late = {one.unit: one.event_time for one in db.experiment("ranking").exposures()}
    hour = timedelta(seconds=3600)
    counted = [f"user-{number}" for number in range(3, 12) if day(0) + 2.5 * hour <= late[f"user-{number}"] + hour]
    assert sum(arm.total for arm in paid.arms) == len(counted)  # ints
    assert 0 < len(counted) < 9


def test_experiment__layers_holdouts_and_targeting_keep_units_out() -> None:
    db = replayed("experiment")
    units = db.view("users").entities()
    offer, other = db.experiment("offer").assign_many(units), db.experiment("other").assign_many(units)
    assert not any(one.arm and two.arm for one, two in zip(offer, other))  # one layer: never both
    assert {one.reason for one in offer} == {"layer", "targeting", "holdout", "split"}
    assert {one.reason for one in other} == {"layer", "split"}


def test_experiment__a_prediction_keeps_the_arm_that_it_was_served_under() -> None:
    db = replayed("experiment")
    (prediction,) = db.predictions()
    then = db.as_of(prediction=prediction.id).experiment("ranking").assign("user-7")
    assert prediction.assignment == then.to_dict() and then.reason == "sticky"
    assert db.experiment("ranking").assign("user-7").reason == "stopped"
    assert {answer.arm for answer in db.experiment("ranking").assign_many(["user-1", "new"])} == {"treatment"}


def test_provenance__sources_are_versions() -> None:
    db = replayed("provenance")
    version = db.view("clean").history("s-1")[0]
    assert version.derived_from == ("raw/s-3@3.1", "raw/s-1@3.0")
    assert version.transformation == "mean@2"
    assert db.version(version.derived_from[0])["volts"] == 2.5
    assert db.as_of(mark="release-7").view("clean").get("s-1")["mean"] == 2.0


def test_provenance__rejected_rows_are_recorded() -> None:
    payload = replayed("provenance").event(3).payload
    assert payload["entities"] == ["s-1", "s-3"]
    assert [(row, feature) for row, _, feature, _, _ in payload["rejected"]] == [(1, "volts"), (3, None)]


def test_clock_steps_back__but_recorded_time_does_not() -> None:
    db = replayed("clock_steps_back")
    times = [event.recorded_time for event in db.events()]
    assert times == [day(0), day(2), day(2), day(2), day(3)]
    row: dict[str, object] = dict(db.view("drivers").get("d-7"))
    assert row == {"trips": 2, "rating": 4.0, "city": None}  # trips 3 is dated a day earlier


def test_lineage__what_rests_on_a_reading() -> None:
    db = replayed("lineage")
    cone = list(db.lineage.cone("states/s-1@11"))
    assert cone == ["raw/s-1@3.0", "raw/s-1@4", "clean/s-1@5", "clean/s-1@6", "states/s-1@11"]
    spread = db.lineage.impact("raw/s-1@4")
    assert spread.versions == ("clean/s-1@5", "clean/s-1@6", "raw/s-2@12")
    assert (spread.pipelines, spread.training_sets) == (("pipeline:states#1",), ("training_set:week_1",))
    assert db.training_set_record("week_1").model == "alarm"
    assert db.view("raw").history("s-2")[-1].derived_from == ("states/s-1@11", "clean/s-1@5")


def test_erasure__leaves_offsets_and_digests_and_nothing_of_the_person() -> None:
    db = replayed("erasure")
    text = (V1 / "erasure" / EVENTS).read_text("utf-8")
    assert "Ada" not in text and "Paris" not in text and "old" not in text and text.count('"ada"') == 1
    erasures = [event.payload for event in db.events(type="entity_erased")]
    assert [payload["reason"] for payload in erasures] == ["request 4711", "request 4712"]
    assert erasures[0]["unfounded"] == {"versions": [[5, 0]], "pipelines": ["ages#1"]}
    assert not db.as_of(4).view("people").get("ada").found and db.view("people").get("ada")["age"] == 20
    assert db.view("visits").history("v-1")[0].derived_from == ("erased@3.0",)
    assert db.predictions() == [] and db.experiment("trial").exposures() == []
    assert {one.id for one in db.audit.unfounded("pipeline:ages#1")} == {"pipeline:ages#1"}


def test_compaction__keeps_what_later_reads_can_see() -> None:
    db = replayed("compaction")
    below = db.state.log.pruned
    with pytest.raises(Pruned):
        db.as_of(below - 1)
    past = db.as_of(below).view("drivers")
    row: dict[str, object] = dict(past.get("d-7"))
    assert row == {"trips": 40, "rating": 4.375, "city": "Rome"}  # of a write after the delete's own time
    assert not past.get("d-8").found and past.get("d-9", at=day(9))["trips"] == 99
    assert db.view("drivers").get("d-9")["rating"] == 5.0
    assert db.prediction("drives/d-7@14").versions["rating"] == "drivers/d-7@8"
