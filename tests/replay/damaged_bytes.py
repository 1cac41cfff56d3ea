"""Damage that needs no look inside an event: the digest chain, the header, the order of lines."""

from __future__ import annotations

from collections.abc import Callable

from tests.replay.broken_ledger import Broken, Sealed, body_of, database, lines_of, sealed_header

MISMATCH = "DigestMismatch"
BYTES: dict[str, Callable[[], Broken]] = {}


def ledger(build: Callable[[], Broken]) -> Callable[[], Broken]:
    BYTES[build.__name__] = build
    return build


def base() -> list[bytes]:
    return lines_of(database())


@ledger
def flipped_bit() -> Broken:
    lines = base()
    place = lines[2].index(b"41")
    lines[2] = lines[2][:place] + bytes([lines[2][place] ^ 1]) + lines[2][place + 1 :]
    return Broken(lines, MISMATCH, 3, 2, "one bit of a value is flipped: 41 became 51")


@ledger
def flipped_bit_in_a_digest() -> Broken:
    lines = base()
    tail = lines[2][-4:]
    lines[2] = lines[2][:-4] + bytes([tail[0] ^ 1]) + tail[1:]
    return Broken(lines, MISMATCH, 3, 2, "one bit of a digest is flipped")


@ledger
def missing_line() -> Broken:
    lines = base()
    del lines[2]
    return Broken(lines, MISMATCH, 3, 2, "a line in the middle is gone")


@ledger
def swapped_lines() -> Broken:
    lines = base()
    lines[2], lines[3] = lines[3], lines[2]
    return Broken(lines, MISMATCH, 3, 2, "two lines changed places")


@ledger
def duplicated_line() -> Broken:
    lines = base()
    lines.insert(3, lines[2])
    return Broken(lines, MISMATCH, 4, 3, "a line stands twice")


@ledger
def line_spliced_from_a_fork() -> Broken:
    db = database()
    branch = db.fork(2, seed=78)
    branch.view("users").put("bob", {"age": 20})
    lines = lines_of(db)
    lines[3] = lines_of(branch)[3]
    return Broken(lines, MISMATCH, 4, 3, "a line of the same offset comes from a fork")


@ledger
def blank_line() -> Broken:
    lines = base()
    lines.insert(2, b"\n")
    return Broken(lines, MISMATCH, 3, 2, "an empty line stands between two events")


@ledger
def carriage_return() -> Broken:
    lines = [line.replace(b"\n", b"\r\n") for line in base()]
    return Broken(lines, MISMATCH, 1, 0, "lines end as Windows text files do")


@ledger
def line_without_digest() -> Broken:
    lines = base()
    lines[3] = lines[3][: lines[3].index(b',"digest"')] + b"}\n"
    return Broken(lines, MISMATCH, 4, 3, "an event has no digest")


@ledger
def digest_in_capitals() -> Broken:
    lines = base()
    body, digest = lines[3].split(b',"digest":"')
    lines[3] = body + b',"digest":"' + digest[:64].upper() + digest[64:]
    return Broken(lines, MISMATCH, 4, 3, "a digest is written in capital letters")


@ledger
def wrong_header() -> Broken:
    lines = [sealed_header(created=1), *base()[1:]]
    return Broken(lines, MISMATCH, 2, 1, "another valid header stands above the events")


@ledger
def flipped_bit_in_header() -> Broken:
    lines = base()
    lines[0] = lines[0].replace(b'"created":17', b'"created":16')
    return Broken(lines, MISMATCH, 1, 0, "the header's digest does not bind its bytes")


@ledger
def no_header() -> Broken:
    return Broken(base()[1:], "DamagedLog", 1, 0, "the first line is an event")


@ledger
def unknown_format() -> Broken:
    lines = [sealed_header(format="another-ledger"), *base()[1:]]
    return Broken(lines, "DamagedLog", 1, 0, "the header names another format")


@ledger
def unknown_format_version() -> Broken:
    lines = [sealed_header(version=2), *base()[1:]]
    return Broken(lines, "DamagedLog", 1, 0, "the header names a later version of the format")


@ledger
def ledger_id_not_hex() -> Broken:
    lines = [sealed_header(ledger_id="not hexadecimal"), *base()[1:]]
    return Broken(lines, "DamagedLog", 1, 0, "the header's ledger id is not hexadecimal")


@ledger
def header_created_infinite() -> Broken:
    lines = base()
    lines[0] = lines[0].replace(b'"created":', b'"created":1e999,"was":')
    return Broken(lines, "DamagedLog", 1, 0, "the header's time of creation is no number")


@ledger
def header_with_wrong_parent() -> Broken:
    lines = [sealed_header(parent={"ledger_id": "00", "offset": "two"}), *base()[1:]]
    return Broken(lines, "DamagedLog", 1, 0, "the header's parent lacks fields")


@ledger
def header_with_parent_not_hex() -> Broken:
    parent = {"ledger_id": "xy", "genesis": "xy", "offset": 1, "digest": "xy", "parent": None}
    lines = [sealed_header(parent=parent), *base()[1:]]
    return Broken(lines, "DamagedLog", 1, 0, "the header's parent has ids that are not hexadecimal")


@ledger
def header_is_an_array() -> Broken:
    return Broken([b"[1,2,3]\n", *base()[1:]], MISMATCH, 1, 0, "the first line is JSON, but no header")


@ledger
def fork_without_its_parents_lines() -> Broken:
    branch = database().fork(3, seed=78)
    branch.mark("left")
    return Broken(lines_of(branch)[:3], "DamagedLog", 4, 3, "a fork's file ends before its parent's last line")


@ledger
def fork_joined_to_another_past() -> Broken:
    db = database()
    branch = db.fork(2, seed=78)
    branch.mark("left")
    other = db.fork(1, seed=79)
    other.view("users").put("ann", {"age": 1})
    lines = lines_of(branch)
    lines[2] = lines_of(other)[2]
    return Broken(lines, MISMATCH, 3, 2, "a fork stands on a line that its parent never had")


@ledger
def offset_out_of_turn() -> Broken:
    body = {**body_of(base()[3]), "offset": 5}
    sealed = Sealed().event("row_put@1", {key: body[key] for key in ("view", "entity", "features", "values")}, offset=5)
    return sealed.broken(MISMATCH, "an event leaves an offset out, its digest right")


@ledger
def leading_space() -> Broken:
    sealed = Sealed()
    sealed.raw(b' {"offset":%d,"time":%d,"type":"log_marked@1","name":"x"' % (sealed.next_offset, sealed.time + 1))
    return sealed.broken(MISMATCH, "a line begins with a space")


@ledger
def two_objects_in_a_line() -> Broken:
    sealed = Sealed()
    first, time = sealed.next_offset, sealed.time + 1
    mark = b'{"offset":%d,"time":%d,"type":"log_marked@1","name":"%d"'
    sealed.raw(mark % (first, time, 1) + b"}," + mark % (first + 1, time, 2))
    return sealed.broken(why="a line holds two events")


@ledger
def not_json() -> Broken:
    return Sealed().text('"name":x', "log_marked@1").broken(why="a line is no JSON")


@ledger
def not_utf8() -> Broken:
    sealed = Sealed()
    body = b'{"offset":%d,"time":%d,"type":"log_marked@1","name":"\xff\xfe"' % (sealed.next_offset, sealed.time + 1)
    return sealed.raw(body).broken(why="a text is not UTF-8")


@ledger
def surrogate_bytes() -> Broken:
    return Sealed().text('"name":"\ud800"', "log_marked@1").broken(why="a lone surrogate stands as bytes")


@ledger
def duplicate_key() -> Broken:
    return Sealed().text('"name":"a","name":"b"', "log_marked@1").broken(why="an object has a key twice")


@ledger
def deep_json() -> Broken:
    depth = 12_000
    sealed = Sealed().text(f'"name":{"[" * depth}{"]" * depth}', "log_marked@1")
    return sealed.broken(why="arrays are nested 12,000 deep")


@ledger
def unknown_event_type() -> Broken:
    return Sealed().event("row_imagined@1", {}).broken("UnknownEventType", "an event type that this release lacks")


@ledger
def unknown_schema() -> Broken:
    return Sealed().event("log_marked@2", {"name": "x"}).broken("UnknownEventType", "a schema version of the future")


@ledger
def type_is_not_text() -> Broken:
    sealed = Sealed().raw(b'{"offset":4,"time":%d,"type":["log_marked@1"],"name":"x"' % (Sealed().time + 1))
    return sealed.broken("UnknownEventType", "an event type is a list")


@ledger
def unknown_field() -> Broken:
    return Sealed().event("log_marked@1", {"name": "x", "colour": "red"}).broken(why="an event has an unknown field")


@ledger
def missing_field() -> Broken:
    return Sealed().event("log_marked@1", {}).broken(why="an event lacks a field of its type")


@ledger
def unknown_meta_field() -> Broken:
    fields = {"name": "x", "meta": {"author": "me"}}
    return Sealed().event("log_marked@1", fields).broken(why="an unknown field of meta")


@ledger
def time_going_back() -> Broken:
    sealed = Sealed()
    return sealed.event("log_marked@1", {"name": "x"}, time=sealed.time - 1).broken(why="recorded time goes back")


@ledger
def time_not_whole() -> Broken:
    sealed = Sealed()
    return sealed.event("log_marked@1", {"name": "x"}, time=sealed.time + 0.5).broken(why="half a microsecond")


@ledger
def time_out_of_range() -> Broken:
    return Sealed().event("log_marked@1", {"name": "x"}, time=2**53 + 1).broken(why="a time beyond 2**53 microseconds")


@ledger
def time_is_true() -> Broken:
    return Sealed().event("log_marked@1", {"name": "x"}, time=True).broken(why="a time is a bool")
