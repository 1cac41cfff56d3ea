"""The stored form of a training set: what no writer wrote is refused."""

from __future__ import annotations

from base64 import b64encode
from struct import pack
from typing import Any

import pytest

from ledger import InvalidInput, Log, Reading, TrainingSetRecorded, training_set_from_json
from tests.ledger.stored import every_fact

LOG = every_fact()
GOOD = LOG.event(27).payload["training_set"]


def refs(*numbers: int) -> str:
    return b64encode(pack(f"<{len(numbers)}q", *numbers)).decode()


def test_a_record_comes_back() -> None:
    for offset in (26, 27):
        body = LOG.event(offset).payload["training_set"]
        record = training_set_from_json(body)
        assert record.to_json() == body and record.label == record.name and record.version == 1
    assert list(training_set_from_json({**GOOD, "refs": refs(3 << 24, 4 << 24 | 7)}).refs) == [3 << 24, 4 << 24 | 7]


@pytest.mark.parametrize(
    "change",
    [
        {"name": "1x"}, {"name": ""}, {"service": 7}, {"as_of": -1}, {"as_of": "1"}, {"at": 1.5}, {"at": 2**60},
        {"known_at": [14, 14]}, {"known_at": [3, 15]}, {"known_at": [4, 3]}, {"known_at": [-1, 3]}, {"known_at": [3]},
        {"known_at": [3, True]}, {"known_at": None}, {"columns": []}, {"columns": ["a", "a"]}, {"columns": [7]},
        {"columns": "abc"}, {"labels": []}, {"labels": ["\ud800"]}, {"rows": 0}, {"rows": 1.5}, {"rows": True},
        {"refs": "x"}, {"refs": "AAAA"}, {"refs": None}, {"refs": refs(3 << 24, 3 << 24)},
        {"refs": refs(4 << 24, 3 << 24)}, {"refs": refs(7)}, {"refs": refs(15 << 24)}, {"refs": refs(-1)},
        {"refs": refs(3 << 24).rstrip("=")}, {"digest": ""}, {"digest": "AB" * 32}, {"spine": "ab" * 31},
        {"spine": None}, {"model": ""}, {"model": 7}, {"model": "\ud800"}, {"more": 1},
    ],
    ids=repr,
)  # fmt: skip
def test_other_forms_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        training_set_from_json({**GOOD, **change})


def test_a_set_is_read_at_an_earlier_offset() -> None:
    reading = Reading(14, 0, LOG.layouts.__getitem__)
    with pytest.raises(InvalidInput):
        TrainingSetRecorded.from_json({"training_set": dict(GOOD)}, reading)
    assert TrainingSetRecorded.from_json({"training_set": dict(GOOD)}, reading._replace(offset=15)).record.rows == 9


@pytest.mark.parametrize(
    "change",
    [
        {}, {"name": "may", "service": "ranker@2"}, {"name": "may", "service": "nobody@1"},
        {"name": "may", "columns": ["trips", "km"]}, {"name": "may", "refs": refs(11 << 24)},
        {"name": "may", "refs": refs(3 << 24 | 1)}, {"name": "may", "refs": refs(13 << 24)},
    ],
    ids=repr,
)  # fmt: skip
def test_what_does_not_fit_the_events_before_is_refused(change: dict[str, Any]) -> None:
    log: Log = every_fact()
    fact = TrainingSetRecorded(training_set_from_json({**GOOD, **change}))
    with pytest.raises((InvalidInput, LookupError)):
        log.registry.check(fact, log)
    log.registry.check(TrainingSetRecorded(training_set_from_json({**GOOD, "name": "may", "refs": refs(3 << 24)})), log)
