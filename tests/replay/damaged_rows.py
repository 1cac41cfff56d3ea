"""Rows that no writer wrote: their digests are right, their contents break a rule."""

from __future__ import annotations

from array import array
from base64 import b64encode
from collections.abc import Callable
from struct import pack
from typing import Any

from tests.replay.broken_ledger import Broken, Sealed

ROWS: dict[str, Callable[[], Broken]] = {}
BATCH = 16  # from here on columns are packed


def b64(data: Any) -> str:
    return b64encode(data).decode()


def row(reason: str, why: str, build: Callable[[Sealed], Sealed]) -> None:
    ROWS[reason] = lambda: build(Sealed()).broken(why=why)


def value(reason: str, why: str, **values: Any) -> None:
    row(reason, why, lambda sealed: sealed.put(values))


def column(reason: str, why: str, name: str, form: Any, rows: int = BATCH) -> None:
    row(reason, why, lambda sealed: sealed.batch(name, form, rows))


def literal(reason: str, why: str, place: int, text: str) -> None:
    rest = f'"view":"users@1","entity":"cid","features":[{place}],"values":[{text}]'
    row(reason, why, lambda sealed: sealed.text(rest))


def put(reason: str, why: str, **fields: Any) -> None:
    data = {"view": "users@1", "entity": "cid", "features": [0], "values": [1]}
    row(reason, why, lambda sealed: sealed.event("row_put@1", {**data, **fields}))


def batch(reason: str, why: str, **fields: Any) -> None:
    data = {"view": "users@1", "entities": ["a", "b"], "features": [0], "columns": [{"list": [1, 2]}]}
    row(reason, why, lambda sealed: sealed.event("rows_put@1", {**data, **fields}))


value("value_of_wrong_type", "a text in an Int", age="41")
value("float_in_int", "a float in an Int", age=41.0)
value("bool_in_int", "a bool in an Int", age=True)
value("int_too_large", "an Int beyond 2**53", age=2**53 + 1)
value("int_in_float", "an Int where a Float stands", score=1)
value("int_in_bool", "1 in a Bool", ok=1)
value("float_in_category", "a float in a Category", city=1.5)
value("text_too_long", "a Text of more bytes than its feature takes", name="é" * 9)
value("timestamp_as_text", "a Timestamp in another form than microseconds", seen="2026-01-01T00:00:00Z")
value("wrong_base64", "a vector is not base64", face="AACAPwAA-D8=")
value("base64_with_spare_bits", "base64 whose last bits are not zero", face=b64(pack("<2f", 1, 2))[:-2] + "B=")
value("vector_of_wrong_length", "a vector of three elements where two stand", face=b64(pack("<3f", 1, 2, 3)))
value("vector_as_list", "a vector as a list of numbers", face=[1.0, 2.0])
value("vector_with_nan", "a vector with NaN", face=b64(pack("<2f", float("nan"), 1)))
value("vector_with_infinity", "a vector with infinity", face=b64(pack("<2f", float("inf"), 1)))
value("zero_vector_under_cosine", "a zero vector under cosine", face=b64(bytes(8)))
value("negative_zero_vector_under_cosine", "a zero vector under cosine, negative", face=b64(pack("<2f", -0.0, 0.0)))
literal("nan", "NaN is not JSON", 1, "NaN")
literal("infinity", "Infinity is not JSON", 1, "-Infinity")
literal("number_too_large", "1e999 is no finite float", 1, "1e999")
literal("number_of_too_many_digits", "an integer of 5,000 digits", 0, "1" * 5000)
literal("lone_surrogate", "a Text with half of a surrogate pair", 2, r'"\ud800"')
literal("lone_surrogate_in_category", "a Category with half of a surrogate pair", 3, r'"\udfff"')
for _name, _text in {
    "lone_surrogate_in_entity": r'"entity":"\ud83d","features":[0],"values":[1]',
    "lone_surrogate_in_meta": r'"entity":"cid","features":[0],"values":[1],"meta":{"actor":"\ud83d"}',
    "lone_surrogate_in_transformation": r'"entity":"cid","features":[0],"values":[1],"transformation":"\ud83d"',
}.items():
    row(_name, "half of a surrogate pair", lambda sealed, text=_text: sealed.text(f'"view":"users@1",{text}'))  # type: ignore[misc]

put("unknown_view", "a row of a view that nothing defined", view="drivers@1")
put("unknown_view_version", "a row of a version that comes later", view="users@2")
put("entity_missing", "a row of nobody", entity=None)
put("entity_empty", "an empty entity id", entity="")
put("entity_float", "a float as entity id", entity=1.5)
put("entity_bool", "a bool as entity id", entity=True)
put("entity_nested", "a nested tuple as entity id", entity=["a", ["b"]])
put("entity_empty_tuple", "an empty tuple as entity id", entity=[])
put("row_without_values", "a row that writes nothing", features=[], values=[])
put("too_few_values", "a complete row with too few values", features=[0, 1], values=[1])
put("positions_descending", "positions out of order", features=[3, 0], values=["Rome", 1])
put("position_repeated", "a position twice", features=[0, 0], values=[1, 2])
put("position_unknown", "a position that the view lacks", features=[7], values=[1])
put("position_negative", "a negative position", features=[-1], values=[1])
put("position_is_true", "a bool as position", features=[True], values=[0.5])
put("all_positions_named", "a complete row that names its positions", features=[*range(7)], values=[None] * 7)
put("event_time_not_whole", "an event time of half a microsecond", event_time=0.5)
put("event_time_out_of_range", "an event time beyond 2**53", event_time=-(2**53) - 1)
put("derived_from_a_later_row", "a source that comes later", derived_from=[[5, 0]])
put("derived_from_itself", "a row that is its own source", derived_from=[[4, 0]])
put("derived_from_a_missing_row", "a source's event has no such row", derived_from=[[2, 1]])
put("derived_from_a_definition", "a source that is no row", derived_from=[[1, 0]])
put("derived_from_no_pair", "a source that is a version id", derived_from=["users/ann@2"])
put("key_not_text", "an idempotency key that is a number", key=7)
row(
    "key_used_twice",
    "an idempotency key goes with one event",
    lambda sealed: sealed.put({"age": 1}, key="k", args="0" * 32).put({"age": 2}, key="k", args="1" * 32),
)

batch("batch_columns_uneven", "a column with a value too many", columns=[{"list": [1, 2, 3]}])
batch("batch_column_missing", "fewer columns than positions", features=[0, 1])
batch("batch_without_rows", "a batch of nobody", entities=[], columns=[{"list": []}])
batch("batch_without_columns", "a batch that writes nothing", features=[], columns=[])
batch("batch_row_all_missing", "a row of a batch that writes nothing", columns=[{"list": [1, None], "missing": [1]}])
batch("batch_unknown_form", "a column in a form of another type", columns=[{"f64": b64(bytes(16))}])
batch("batch_missing_out_of_range", "a missing row beyond the batch", columns=[{"list": [1, None], "missing": [2]}])
batch("batch_missing_with_a_value", "a missing cell that has a value", columns=[{"list": [1, 2], "missing": [1]}])
batch("batch_value_of_wrong_type", "a text in a column of Int", columns=[{"list": [1, "2"]}])
batch("batch_event_times_short", "an event time for one row of two", event_times=b64(array("q", [1])))
batch("batch_event_times_far", "an event time beyond 2**53", event_times=b64(array("q", [1, 2**62])))
batch("batch_rejection_malformed", "a rejection without its reason", rejected=[[0, "a"]])
batch("batch_deleted_with_columns", "a delete that also writes", deleted=True)

column("packed_wrong_length", "a packed column of 15 rows where 16 stand", "age", {"i64": b64(bytes(15 * 8))})
column("packed_not_base64", "a packed column that is not base64", "age", {"i64": "*" * 172})
column("packed_int_too_large", "a packed Int beyond 2**53", "age", {"i64": b64(array("q", [2**60] * BATCH))})
column("packed_nan", "a packed Float is NaN", "score", {"f64": b64(array("d", [float("nan")] * BATCH))})
column("packed_infinity", "a packed Float is infinite", "score", {"f64": b64(array("d", [1.0] * 15 + [float("-inf")]))})
column("packed_bool_of_two", "a packed Bool is 2", "ok", {"bool": b64(bytes([2] * BATCH))})
column("packed_list_form", "a list where a column is packed", "age", {"list": [1] * BATCH})
column("packed_null_descending", "null rows out of order", "age", {"i64": b64(bytes(128)), "null": [3, 2]})
column("packed_zero_vectors", "packed zero vectors under cosine", "face", {"vec": b64(bytes(8 * BATCH))})
_codes = b64(array("i", [0] * 15 + [1]))
column("packed_code_unknown", "a code that its dict lacks", "city", {"dict": ["Rome"], "codes": _codes})
column("packed_dict_of_floats", "a Category that is a float", "city", {"dict": [1.5, 2.5], "codes": _codes})
_nan = b64(pack("<2f", float("nan"), 1.0) * BATCH)
column("packed_vector_with_nan", "a packed vector with NaN", "face", {"vec": _nan})

_write = {"view": "users@1", "entities": ["a"], "features": [0], "columns": [{"list": [1]}]}
for _reason, _why, _writes in (
    ("transaction_empty", "a transaction without writes", []),
    ("transaction_write_not_object", "a write that is no object", [1]),
    ("transaction_unknown_field", "a write with an unknown field", [{**_write, "colour": "red"}]),
    ("transaction_without_rows", "a write without rows", [{**_write, "entities": [], "columns": [{"list": []}]}]),
):
    row(_reason, _why, lambda sealed, writes=_writes: sealed.event("transaction_committed@1", {"writes": writes}))  # type: ignore[misc]
