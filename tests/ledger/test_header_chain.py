"""The header and the digest chain: nothing in a file changes unseen."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pytest

from ledger import (
    DamagedLog,
    DigestMismatch,
    Header,
    Parent,
    canonical,
    chain_digest,
    header,
    new_header,
    spans_of,
)
from ledger.chain import Chain, parent_at
from ledger.header import read_header, seal, split
from tests.ledger.making import T0

ROOT = new_header(T0, 1)
CHILD = new_header(T0 + 1, 2, Parent(ROOT.ledger_id, ROOT.digest.hex(), 5, "ab" * 32))
GRANDCHILD = new_header(T0 + 2, 3, Parent(CHILD.ledger_id, CHILD.digest.hex(), 8, "cd" * 32, CHILD.parent))


def body(offset: int) -> bytes:
    return b'{"offset":%d,"time":7,"type":"log_marked@1","name":"m%d"' % (offset, offset)


def chain_of(header: Header) -> Chain:
    return Chain(lambda: header, body)


def lines_of(header: Header, stop: int) -> list[bytes]:
    chain = chain_of(header)
    return [seal(body(offset), chain.digest(offset)) for offset in range(1, stop + 1)]


def test_a_header_is_canonical_json_with_its_own_digest() -> None:
    line = ROOT.line()
    start = (
        f'{{"format":"vectordb-ledger","version":1,"ledger_id":"{ROOT.ledger_id}","created":{T0},"parent":null'.encode()
    )
    digest = sha256(b"\0" + start).hexdigest()
    assert line == start + b',"digest":"' + digest.encode() + b'"}\n'
    assert ROOT.digest.hex() == digest


@pytest.mark.parametrize("header", [ROOT, CHILD, GRANDCHILD], ids=["root", "child", "grandchild"])
def test_a_header_comes_back_from_its_line(header: Header) -> None:
    assert read_header(header.line()) == header


def test_a_seed_makes_the_id_repeatable() -> None:
    assert new_header(T0, 1) == ROOT
    assert new_header(T0, 2).ledger_id != ROOT.ledger_id
    ids = {new_header(T0).ledger_id for _ in range(3)}
    assert len(ids) == 3
    assert all(len(bytes.fromhex(found)) == 16 for found in ids)


def test_every_changed_byte_of_a_header_is_found() -> None:
    line = GRANDCHILD.line()
    for place in range(len(line) - 1):
        broken = line[:place] + bytes([line[place] ^ 1]) + line[place + 1 :]
        with pytest.raises(DamagedLog) as caught:
            read_header(broken)
        assert (caught.value.values["line"], caught.value.values["offset"]) == (1, 0)


def sealed(data: Any) -> bytes:
    text = canonical(data)[:-1]
    return seal(text, sha256(b"\0" + text).digest())


HEADER: dict[str, Any] = json.loads(ROOT.body() + b"}")
PARENT: dict[str, Any] = json.loads(CHILD.body() + b"}")["parent"]


@pytest.mark.parametrize(
    "change",
    [
        {"format": "other"},
        {"version": 2},
        {"version": "1"},
        {"created": "5"},
        {"created": 1.5},
        {"created": None},
        {"more": 1},
        {"parent": 7},
        {"parent": {}},
        {"parent": "x"},
        {"ledger_id": 5},
        {"ledger_id": ""},
        {"ledger_id": "zz" * 16},
        {"ledger_id": "AB" * 16},
        {"ledger_id": "ab"},
        {"created": 2**60},
        {"created": True},
        *(
            {"parent": PARENT | part}
            for part in (
                {"ledger_id": 7},
                {"ledger_id": "zz" * 16},
                {"genesis": "ab"},
                {"genesis": None},
                {"offset": "5"},
                {"offset": -1},
                {"offset": 1.5},
                {"offset": True},
                {"digest": "zz" * 32},
                {"digest": ""},
                {"digest": None},
                {"parent": {}},
                {"more": 1},
                {"parent": PARENT | {"offset": 6}},
            )
        ),
    ],
    ids=lambda change: ascii(change)[-44:],
)
def test_a_header_that_no_writer_wrote_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(DamagedLog):
        read_header(sealed(HEADER | change))


@pytest.mark.parametrize("line", [b"", b"\n", b"{}\n", b"not json\n", ROOT.line()[:-80]])
def test_other_bytes_are_no_header(line: bytes) -> None:
    with pytest.raises(DamagedLog):
        read_header(line)


@pytest.mark.parametrize("line", [seal(b"not json", bytes(32)), seal(b"[1", bytes(32)), seal(b"\xff", bytes(32))])
def test_a_first_line_that_is_no_object_is_no_header(line: bytes) -> None:
    with pytest.raises(DamagedLog):
        read_header(line)


def test_each_digest_binds_the_ledger_and_the_line_before() -> None:
    chain = chain_of(ROOT)
    previous = ROOT.digest
    for offset in range(1, 6):
        previous = sha256(b"\0" + bytes.fromhex(ROOT.ledger_id) + previous + body(offset)).digest()
        assert chain.digest(offset) == previous
    assert chain_digest(b"id", b"before", b"line") == sha256(b"\0idbeforeline").digest()
    assert chain.digest(0) == ROOT.digest


def test_digests_are_computed_in_order_on_first_use() -> None:
    asked: list[int] = []
    chain = Chain(lambda: ROOT, lambda offset: asked.append(offset) or body(offset))  # type: ignore[func-returns-value]
    assert chain.known == 0
    third = chain.digest(3)
    assert asked == [1, 2, 3]
    assert chain.digest(3) == third
    assert (asked, chain.known) == ([1, 2, 3], 3)
    chain.cut(1)
    assert chain.known == 1
    assert chain.next(body(2)) == chain_of(ROOT).digest(2)


def test_a_chain_is_one_span_for_each_ledger_in_the_ancestry() -> None:
    assert [span.first for span in spans_of(GRANDCHILD)] == [1, 6, 9]
    assert [span.ledger_id.hex() for span in spans_of(GRANDCHILD)] == [h.ledger_id for h in (ROOT, CHILD, GRANDCHILD)]
    assert [span.genesis for span in spans_of(GRANDCHILD)] == [h.digest for h in (ROOT, CHILD, GRANDCHILD)]
    assert [span.joint for span in spans_of(GRANDCHILD)] == [None, bytes.fromhex("ab" * 32), bytes.fromhex("cd" * 32)]


@pytest.mark.parametrize(
    ("offset", "owner"),
    [(0, ROOT), (1, ROOT), (5, ROOT), (6, CHILD), (8, CHILD), (9, GRANDCHILD), (50, GRANDCHILD)],
    ids=lambda value: str(value)[:3],
)
def test_a_fork_names_the_ledger_that_wrote_the_event_where_it_began(offset: int, owner: Header) -> None:
    parent = parent_at(GRANDCHILD, offset, b"\1" * 32)
    assert parent == Parent(owner.ledger_id, owner.digest.hex(), offset, "01" * 32, owner.parent)


def forked(header: Header, offset: int, seed: int) -> Header:
    return new_header(T0 + seed, seed, parent_at(header, offset, chain_of(header).digest(offset)))


@pytest.mark.parametrize("first", [0, 1, 3, 7])
@pytest.mark.parametrize("second", [0, 1, 3, 5, 7, 9])
def test_lines_of_nested_forks_verify_in_pieces_of_every_size(first: int, second: int) -> None:
    header = forked(forked(ROOT, first, 2), second, 3)
    lines = lines_of(header, 10)
    assert lines[: min(first, second)] == lines_of(ROOT, 10)[: min(first, second)]
    for size in (1, 2, 3, 10):
        chain = chain_of(header)
        for start in range(0, 10, size):
            piece = lines[start : start + size]
            assert chain.verify(piece, start + 2) == [body(start + 1 + place) for place in range(len(piece))]
        assert chain.known == 10
        assert chain.digest(10) == chain_of(header).digest(10)


def independent(header: Header, count: int) -> list[bytes]:
    """The digests of a fork's lines, by the words of the documentation alone."""
    ancestry: list[tuple[str, bytes, int]] = [(header.ledger_id, header.digest, 0)]
    parent = header.parent
    while parent is not None:
        ancestry[-1] = (*ancestry[-1][:2], parent.offset)
        ancestry.append((parent.ledger_id, bytes.fromhex(parent.genesis), 0))
        parent = parent.parent
    digests: list[bytes] = []
    for offset in range(1, count + 1):
        owner, genesis, since = next(item for item in ancestry if offset > item[2])
        previous = genesis if offset == since + 1 else digests[-1]
        digests.append(sha256(b"\0" + bytes.fromhex(owner) + previous + body(offset)).digest())
    return digests


@pytest.mark.parametrize(("first", "second"), [(0, 0), (3, 0), (3, 2), (3, 3), (3, 7), (1, 2)])
def test_digests_of_forks_follow_the_documented_rule(first: int, second: int) -> None:
    header = forked(forked(ROOT, first, 2), second, 3)
    chain = chain_of(header)
    assert [chain.digest(offset) for offset in range(1, 10)] == independent(header, 9)


@pytest.mark.parametrize("at", range(1, 7))
def test_a_parents_line_changed_before_a_fork_is_found(at: int) -> None:
    header = forked(ROOT, 5, 2)
    lines = lines_of(header, 6)
    lines[at - 1] = lines[at - 1].replace(b'"m', b'"n')
    for size in (1, 6):
        chain = chain_of(header)
        with pytest.raises(DigestMismatch) as caught:
            for start in range(0, 6, size):
                chain.verify(lines[start : start + size], start + 2)
        assert (caught.value.values["offset"], caught.value.values["line"]) == (at, at + 1)


def test_a_parent_rewritten_with_valid_digests_is_found_where_the_fork_began() -> None:
    header = forked(ROOT, 5, 2)
    rewritten = Chain(lambda: ROOT, lambda offset: body(offset).replace(b'"m', b'"n'))
    lines = [seal(body(offset).replace(b'"m', b'"n'), rewritten.digest(offset)) for offset in range(1, 6)]
    for size in (1, 6):
        chain = chain_of(header)
        with pytest.raises(DigestMismatch, match="parent's last digest") as caught:
            for start in range(0, 6, size):
                chain.verify([*lines, lines_of(header, 6)[5]][start : start + size], start + 2)
        assert caught.value.values["offset"] == 6


@pytest.mark.parametrize("damage", ["gap", "swap", "twice", "cut", "digest", "upper", "space"])
def test_lines_out_of_place_are_found(damage: str) -> None:
    lines = lines_of(ROOT, 5)
    if damage == "gap":
        del lines[2]
    elif damage == "swap":
        lines[2], lines[3] = lines[3], lines[2]
    elif damage == "twice":
        lines.insert(3, lines[2])
    else:
        third = lines[2]
        upper = third[:-67] + third[-67:-3].upper() + third[-3:]
        lines[2] = {"cut": third[:20] + b"\n", "digest": third.replace(b'"digest"', b'"digits"'), "upper": upper}.get(
            damage, third.replace(b'"}\n', b'" }\n')
        )
    chain = chain_of(ROOT)
    with pytest.raises(DigestMismatch) as caught:
        chain.verify(lines, 2)
    expected = 4 if damage == "twice" else 3
    assert (caught.value.values["offset"], caught.value.values["line"]) == (expected, expected + 1)


def test_a_line_is_its_body_and_its_digest() -> None:
    assert split(seal(b'{"offset":1', b"\1" * 32), 2, 1) == (b'{"offset":1', b"01" * 32)
    for wrong in (b"", b"{}", b'{"offset":1,"digest":"01"}\n'):
        with pytest.raises(DigestMismatch):
            split(wrong, 2, 1)


def test_the_canonical_form_is_utf8_without_spaces() -> None:
    assert (
        canonical({"b": [1, 0.1, None, True], "a": "é\u2028\n"}) == '{"b":[1,0.1,null,true],"a":"é\u2028\\n"}'.encode()
    )
    with pytest.raises(ValueError, match="JSON"):
        canonical([float("nan")])


def test_the_canonical_form_is_what_the_json_module_gives() -> None:
    encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
    keys = {1: 2, False: 3, None: 4, 1.5: 6, "é": {}}
    for data in ({}, [], "é\u2028\x1f\"\\", 2**80, -0.0, 5e-324, 1e22, True, None, keys, {"a": [1, {"b": (2, 3.5)}]}):
        assert canonical(data) == encode(data).encode()
    refused: list[tuple[Any, type[Exception]]] = [
        (float("nan"), ValueError), ([float("inf")], ValueError), (b"x", TypeError), ({(1,): 2}, TypeError),
    ]  # fmt: skip
    for wrong, error in refused:
        with pytest.raises(error) as theirs:
            encode(wrong)
        with pytest.raises(error) as ours:
            canonical(wrong)
        assert str(ours.value) == str(theirs.value)
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(RecursionError):
        canonical(endless)


def test_without_the_c_encoder_the_form_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json.encoder, "c_make_encoder", None)
    assert header._encoder()({"a": [1, "é"]}).encode() == canonical({"a": [1, "é"]})
