"""Mutations: what damage and malice make of bytes. Every choice comes from the generator that is given."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Final

TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|true|false|null')
NASTY: Final[tuple[bytes, ...]] = (
    b"1e999", b"-1e999", b"NaN", b"Infinity", b"-0", b"-0.0", b"0.0", b"-1", b"1.0", b"1e5", b"01", b"+1", b".5", b"1.",
    b"9007199254740993", b"4611686018427387904", b"340282366920938463463374607431768211456", b"9" * 400, b"1" * 5000,
    b"1000000000", b"true", b"null", b"[]", b"{}", b"[[]]", b'{"":0}', b"[" * 300 + b"]" * 300, b"[" * 50_000, b'""',
    b'"\\ud800"', b'"\\udc00\\ud800"', b'"\\u0000"', b'"\xff"', b'"\xed\xa0\x80"', b'"\xc0\x80"', b'"\xf4\x90\x80\x80"',
    b'"A"', b'"AA="', b'"AAB="', b'"AAAA"', b'"AAAA AAAA"', b'"AAAA\\n"', b'"____"', b'"x@1"', b'"\\/"', b"'a'",
    b"0x10", b"[1,]", b'{"a":1,"a":1}', b"// x", b"\\", b'"', b",", b"}", b"]", b" ", b"\t", b"\r", b"\0", b"\x0c",
    b"\xef\xbb\xbf", b'"' + b"x" * 70_000 + b'"', b"\xe2\x80\xa8", b'"\xc2\x85"',
)  # fmt: skip

SOUND: Final[tuple[bytes, ...]] = (
    b"null", b"true", b"false", b"0", b"1", b"2", b"-1", b"0.0", b"-0.0", b"0.5", b"1e308", b"5e-324", b"1e999", b"NaN",
    b"9007199254740993", b"4611686018427387904", b"1000000000", b"9" * 400, b"[]", b"{}", b"[[0,1]]", b"[1,2,3]", b'""',
    b'"a"', b'"x@1"', b'"AAAA"', b'"\\u0000"', b'"\\ud800"', b'{"int":"0xffffffffffffffffffff"}', b'{"float":"nan"}',
    b'{"a":1,"a":1}', b"[" * 300 + b"]" * 300, b'"' + b"0" * 64 + b'"', b'"2026-01-01T00:00:00Z"', b"-9007199254740993",
)  # fmt: skip


def flip(random: Random, data: bytes) -> bytes:
    """One bit is another one."""
    place = random.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << random.randrange(8)]) + data[place + 1 :]


def cut(random: Random, data: bytes) -> bytes:
    """The end is missing."""
    return data[: random.randrange(len(data))]


def delete(random: Random, data: bytes) -> bytes:
    """A stretch is missing."""
    start = random.randrange(len(data))
    return data[:start] + data[start + random.randint(1, 40) :]


def repeat(random: Random, data: bytes) -> bytes:
    """A stretch stands twice."""
    start = random.randrange(len(data))
    stop = start + random.choice([1, 8, 100])
    return data[:stop] + data[start:stop] + data[stop:]


def insert(random: Random, data: bytes) -> bytes:
    """Something stands where nothing did."""
    place = random.randrange(len(data) + 1)
    return data[:place] + random.choice(NASTY) + data[place:]


def replace_token(random: Random, data: bytes) -> bytes:
    """A JSON value, or a key, is another."""
    places = [match.span() for match in TOKEN.finditer(data)]
    if not places:
        return insert(random, data)
    start, stop = random.choice(places)
    return data[:start] + random.choice(NASTY) + data[stop:]


def replace_value(random: Random, data: bytes) -> bytes:
    """A JSON value is another one, and the whole is JSON still."""
    places = [match.span() for match in TOKEN.finditer(data) if data[match.end() : match.end() + 1] != b":"]
    if not places:
        return insert(random, data)
    start, stop = random.choice(places)
    return data[:start] + random.choice(SOUND) + data[stop:]


def move_token(random: Random, data: bytes) -> bytes:
    """A JSON value stands in the place of another."""
    places = [match.span() for match in TOKEN.finditer(data)]
    if not places:
        return flip(random, data)
    (start, stop), (first, last) = random.choice(places), random.choice(places)
    return data[:start] + data[first:last] + data[stop:]


def drop_line(random: Random, data: bytes) -> bytes:
    """A line is missing."""
    lines = data.splitlines(keepends=True)
    del lines[random.randrange(len(lines))]
    return b"".join(lines)


def double_line(random: Random, data: bytes) -> bytes:
    """A line stands twice."""
    lines = data.splitlines(keepends=True)
    lines.insert(random.randrange(len(lines) + 1), random.choice(lines))
    return b"".join(lines)


def swap_lines(random: Random, data: bytes) -> bytes:
    """Two lines changed places."""
    lines = data.splitlines(keepends=True)
    one, other = random.randrange(len(lines)), random.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"".join(lines)


def reencode(random: Random, data: bytes) -> bytes:
    """The file went through another encoding, or another system's line ends."""
    text = data.decode("utf-8", "replace")
    return random.choice(
        [
            text.encode("utf-16"),
            text.encode("utf-16-le"),
            text.encode("utf-32-be"),
            b"\xef\xbb\xbf" + data,
            data.replace(b"\n", b"\r\n"),
            data.replace(b"\n", b"\r"),
            data.replace(b"\n", b"\n\n"),
            text.encode("latin-1", "replace"),
            data + b"\0" * 512,
        ]
    )


TEXT: Final[tuple[Callable[[Random, bytes], bytes], ...]] = (
    replace_value, replace_value, replace_value, move_token, move_token, replace_token, insert, delete, repeat, flip,
)  # fmt: skip
FILE: Final[tuple[Callable[[Random, bytes], bytes], ...]] = (
    flip, cut, delete, repeat, insert, replace_token, drop_line, double_line, swap_lines, reencode,
)  # fmt: skip


def mutated(random: Random, data: bytes, ways: Sequence[Callable[[Random, bytes], bytes]]) -> bytes:
    """One to three changes."""
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        if data:
            data = random.choice(ways)(random, data)
    return data
