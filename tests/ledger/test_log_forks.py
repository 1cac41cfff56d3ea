"""Forks of a log: what they share, know and prove."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from ledger import Int, Log, UnknownName, ViewDefined
from ledger.chain import Chain, parent_at
from ledger.header import seal
from tests.ledger.making import T0, append, contents, define, definition, new_log, row_put
from tests.ledger.test_segment_log import fill, small_segments

__all__ = ["small_segments"]  # a fixture, here by its name


def verified(log: Log) -> list[bytes]:
    """The log's lines, once a reader that knows only its header has verified them."""
    lines = [seal(log.body(offset), log.digest(offset)) for offset in range(1, log.head + 1)]
    reader = Chain(lambda: log.header, lambda offset: b"")
    assert len(reader.verify(lines, 2)) == log.head
    return lines


@pytest.mark.parametrize("at", range(14))
def test_a_fork_at_every_kind_of_boundary(small_segments: None, at: int) -> None:
    parent = fill(new_log(), 13)
    before = contents(parent)
    branch = parent.fork(at, T0 + 7, seed=2)
    assert branch.head == at
    assert contents(branch) == before[:at]
    fill(branch, 18, start=100)
    fill(parent, 18)
    assert contents(branch)[:at] == contents(parent)[:at] == before[:at]
    assert contents(parent)[:13] == before
    assert branch.digest(at + 1) != parent.digest(at + 1)
    verified(parent)
    verified(branch)
    assert branch.header.parent == parent_at(parent.header, at, parent.digest(at))
    assert branch.header.created == T0 + 7


@pytest.mark.parametrize("digests_known", [True, False])
@pytest.mark.parametrize("first", [0, 3, 4, 5, 8])
@pytest.mark.parametrize("second", [0, 2, 4, 6, 8, 11, 12])
def test_forks_of_forks_verify(small_segments: None, first: int, second: int, digests_known: bool) -> None:
    root = fill(new_log(), 9)
    if digests_known:
        root.digest(root.head)
    child = fill(root.fork(first, T0 + 1, seed=2), 12, start=100)
    grandchild = fill(child.fork(second, T0 + 2, seed=3), 15, start=200)
    for log in (grandchild, child, root):
        verified(log)
    assert contents(grandchild)[:second] == contents(child)[:second]
    assert contents(child)[:first] == contents(root)[:first]


def test_digests_of_a_fork_agree_with_an_independent_computation(small_segments: None) -> None:
    root = fill(new_log(), 6)
    branch = fill(root.fork(5, T0 + 1, seed=2), 8, start=100)
    ids = [bytes.fromhex(log.header.ledger_id) for log in (root, branch)]
    previous = sha256(b"\0" + root.header.body()).digest()
    for offset in range(1, 9):
        if offset == 6:
            previous = sha256(b"\0" + branch.header.body()).digest()
        previous = sha256(b"\0" + ids[offset > 5] + previous + branch.body(offset)).digest()
        assert branch.digest(offset) == previous


def test_a_fork_keeps_what_the_log_knew_at_its_offset(small_segments: None) -> None:
    root = new_log()
    layout = define(root, a=Int())
    for _ in range(4):
        append(root, row_put(root, layout, "x", {"a": 1}))
    append(root, ViewDefined(definition(version=2, a=Int(), b=Int())))
    append(root, ViewDefined(definition("riders", a=Int())))
    branch = root.fork(5, T0, seed=2)
    assert branch.layouts.counts() == {"drivers": 1}
    assert branch.last_time == root.time_of(5)
    assert branch.layouts.pool is root.layouts.pool
    with pytest.raises(UnknownName):
        branch.layouts.newest("riders")
    define(branch, "riders", b=Int())
    assert branch.layouts.newest("riders").names == ("b",)
    assert root.layouts.newest("riders").names == ("a",)
    assert root.fork(6, T0, seed=3).layouts.counts() == {"drivers": 2}


def test_a_fork_keeps_the_keys_used_before_it(small_segments: None) -> None:
    root = fill(new_log(), 20)
    branch = root.fork(8, T0, seed=2)
    assert branch.find_key("key 2", "args").offset == 3  # type: ignore[union-attr]
    assert branch.find_key("key 8", "args") is None
    assert root.find_key("key 8", "args").offset == 9  # type: ignore[union-attr]


def test_forks_share_full_segments_and_copy_at_most_one(small_segments: None) -> None:
    root = fill(new_log(), 11)
    branch = root.fork(10, T0, seed=2)
    shared = [mine is theirs for mine, theirs in zip(branch._segments, root._segments, strict=True)]
    assert shared == [True, True, False]


def test_a_forks_header_is_made_on_first_use() -> None:
    root = fill(new_log(), 5)
    branch: Any = root.fork(3, T0, seed=2)
    assert "header" not in vars(branch)
    assert root.chain.known == 0
    assert branch.header is branch.header
    assert root.chain.known == 3


def test_the_digest_at_offset_0_is_the_first_ledgers() -> None:
    root = fill(new_log(), 5)
    assert root.digest(0) == root.header.digest
    assert root.fork(0, T0, seed=2).fork(0, T0, seed=3).digest(0) == root.header.digest
