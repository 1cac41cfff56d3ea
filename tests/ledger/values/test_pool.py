"""The pool: a code for every category."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from ledger import Pool


def test_codes_are_given_in_order_of_first_use() -> None:
    pool = Pool()
    assert [pool[value] for value in ("Rome", "Oslo", "Rome", 1, "1", "")] == [0, 1, 0, 2, 3, 4]
    assert pool.values_by_code == ["Rome", "Oslo", 1, "1", ""]
    pool.check()


def test_asking_whether_a_category_is_known_adds_nothing() -> None:
    pool = Pool()
    assert "Rome" not in pool
    assert pool.get("Rome") is None
    assert len(pool) == 0


def test_threads_agree_on_every_code() -> None:
    pool = Pool()
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda start: [pool[(place * 7 + start) % 500] for place in range(500)], range(4)))
    pool.check()
    assert len(pool) == 500
    for start, codes in enumerate(found):
        assert [pool.values_by_code[code] for code in codes] == [(place * 7 + start) % 500 for place in range(500)]


def test_a_code_that_leads_elsewhere_is_found() -> None:
    pool = Pool()
    assert (pool["Rome"], pool["Oslo"]) == (0, 1)
    pool.values_by_code.reverse()
    with pytest.raises(AssertionError):
        pool.check()
