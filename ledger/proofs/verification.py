"""Verification of proofs, in one file that stands alone: copy it, and check with nothing but Python.

    verify_inclusion(**proof)      an event of this digest stands at this offset of a log with this root
    verify_consistency(**proof)    the log with the second root begins with the whole log of the first
    verify_bundle(bundle)          a prediction, its inputs and definitions are lines of a log with this root

Hashes are RFC 6962's (section 2.1), algorithms RFC 9162's (2.1.3.2 and 2.1.4.2): a leaf is SHA-256 of a zero
byte and the 32 bytes of an event's digest, a node SHA-256 of a one byte and its two children. Everything that
does not hold raises ``InvalidProof``; nothing else tells of success than coming back.

A root is only as good as where it comes from: compare it with one that its owner published, or that you kept.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from struct import pack
from typing import Any

EMPTY_ROOT = sha256(b"").digest()
TAIL = b',"digest":"%b"}\n'
TAIL_SIZE = len(TAIL % bytes(64))
Event = dict[str, Any]
Events = Mapping[int, Event]
Span = tuple[int, bytes, bytes]  # the first offset of a ledger, its id, the digest of its header


class InvalidProof(ValueError):
    """A proof that does not hold. ``rule`` is what it breaks, ``values`` what broke it."""

    def __init__(self, rule: str, **values: Any) -> None:
        try:
            shown = ", ".join(f"{name}={value!r:.200}" for name, value in values.items())
        except (ValueError, RecursionError):  # a number of too many digits, or a list in itself
            shown = ", ".join(values)
        super().__init__(f"{rule} ({shown})" if shown else rule)
        self.rule = rule
        self.values = values


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of a leaf: here, of an event's digest. RFC 6962, 2.1."""
    return sha256(b"\0" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees. RFC 6962, 2.1."""
    return sha256(b"\1" + left + right).digest()


def verify_inclusion(digest: str, offset: int, size: int, hashes: Sequence[str], root: str) -> bool:
    """True when the event at ``offset`` (from 1) of the log of ``size`` events with this root has this digest.

    Raises ``InvalidProof`` otherwise. Hashes are 64 hexadecimal digits; size and root come from one tree head. About
    a microsecond a hash, at most log2(size) rounded up. Source: RFC 9162, 2.1.3.2.

    >>> one = leaf_hash(bytes(32)).hex()
    >>> verify_inclusion(bytes(32).hex(), 1, 1, [], one)
    True
    """
    _check_sizes(offset=offset, size=size)
    if not 1 <= offset <= size:
        raise InvalidProof("an event lies in the log", offset=offset, size=size)
    place, last = offset - 1, size - 1
    found = leaf_hash(_hash(digest, "digest"))
    for sibling in _hashes(hashes):
        if last == 0:
            raise InvalidProof("an inclusion proof has no hash too many", offset=offset, size=size)
        if place & 1 or place == last:
            found = node_hash(sibling, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        place, last = place >> 1, last >> 1
    if last:
        raise InvalidProof("an inclusion proof has every hash", offset=offset, size=size)
    _check_root(found, root, offset=offset, size=size)
    return True


def verify_consistency(first: int, second: int, first_root: str, second_root: str, hashes: Sequence[str]) -> bool:
    """True when the log of ``second`` events begins with the log of ``first`` events, both by their roots.

    Raises ``InvalidProof`` otherwise. Of an empty first log there is nothing to prove: no hash is taken.
    Source: RFC 9162, 2.1.4.2.

    >>> verify_consistency(0, 7, EMPTY_ROOT.hex(), bytes(32).hex(), [])
    True
    """
    _check_sizes(first=first, second=second)
    if not 0 <= first <= second:
        raise InvalidProof("the first log is no longer than the second", first=first, second=second)
    path = _hashes(hashes)
    if first == 0:
        _check_root(EMPTY_ROOT, first_root, size=0)
    if first in (0, second):
        if path or (first == second and _hash(first_root, "first_root") != _hash(second_root, "second_root")):
            raise InvalidProof("a log is consistent with itself, and with an empty one", first=first, second=second)
        _hash(second_root, "second_root")
        return True
    if first & (first - 1) == 0:
        path = [_hash(first_root, "first_root"), *path]
    old, new = _consistent(first - 1, second - 1, path)
    _check_root(old, first_root, size=first)
    _check_root(new, second_root, size=second)
    return True


def _consistent(place: int, last: int, path: list[bytes]) -> tuple[bytes, bytes]:
    """Both roots, as the hashes of a consistency proof make them."""
    if not path:
        raise InvalidProof("a consistency proof has every hash")
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise InvalidProof("a consistency proof has no hash too many")
        if place & 1 or place == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        place, last = place >> 1, last >> 1
    if last:
        raise InvalidProof("a consistency proof has every hash")
    return old, new


def _check_sizes(**sizes: Any) -> None:
    for name, size in sizes.items():
        if type(size) is not int or not -(1 << 63) <= size < 1 << 63:
            raise InvalidProof("offsets and sizes are whole numbers of 64 bits", **{name: size})


def _hashes(texts: Any) -> list[bytes]:
    if not isinstance(texts, (list, tuple)):
        raise InvalidProof("hashes stand in a list", hashes=texts)
    return [_hash(text, "hashes") for text in texts]


def _hash(text: Any, name: str) -> bytes:
    """The 32 bytes of 64 hexadecimal digits in lower case."""
    if type(text) is not str or not re.fullmatch("[0-9a-f]{64}", text):
        raise InvalidProof("a hash is 64 hexadecimal digits in lower case", **{name: text})
    return bytes.fromhex(text)


def _check_root(found: bytes, root: Any, **where: int) -> None:
    if found != _hash(root, "root"):
        raise InvalidProof("hashes lead to the root", root=root, found=found.hex(), **where)


def verify_bundle(bundle: Mapping[str, Any], root: str | None = None) -> dict[str, Any]:
    """Check a proof bundle of a prediction; what it proves. Raises ``InvalidProof`` where anything does not hold.

    Checked: header and checkpoint; that the tree of this root holds every line at its offset, its digest bound to its
    bytes, the ledger and the line before; that what the prediction names is there (the writes of its own entities that
    its inputs come from, service, views, pipeline, a model that is data); that every input is what its write wrote, or
    the default where none shows. Give the ``root`` that you hold: without one, the bundle only agrees with itself.

    ``{"prediction", "size", "root", "output", "inputs": {name: {"value", "source": [offset, row] or None}}}``.
    """
    try:
        return _verify(bundle, root)
    except InvalidProof:
        raise
    except (LookupError, TypeError, AttributeError, ValueError, OverflowError, RecursionError, StopIteration) as error:
        raise InvalidProof("a bundle has the form of its version", error=repr(error)) from error


def _verify(bundle: Mapping[str, Any], root: str | None) -> dict[str, Any]:
    if bundle["format"] != "vectordb-bundle" or repr(bundle["version"]) != "1":
        raise InvalidProof("a bundle is of a known version", format=bundle["format"], version=bundle["version"])
    tree = bundle["tree"]
    if root is not None and _hash(root, "root") != _hash(tree["root"], "root"):
        raise InvalidProof("a bundle's tree has the root that is expected", root=tree["root"], expected=root)
    spans = _spans(bundle["header"])
    head = f"vectordb/{spans[0][1].hex()}\n{tree['size']}\n{b64encode(_hash(tree['root'], 'root')).decode()}\n"
    if not bundle["checkpoint"].startswith(head):
        raise InvalidProof("a bundle's checkpoint tells its tree", checkpoint=bundle["checkpoint"])
    events = _proven_events(spans, bundle["events"], tree)
    _check_sizes(offset=(offset := bundle["prediction"]["offset"]), row=(number := bundle["prediction"]["row"]))
    recorded = events.get(offset, {"type": None})
    if recorded["type"] != "predictions_recorded@1" or not 0 <= number < len(recorded["predictions"]):
        raise InvalidProof("the prediction is a row of its event", offset=offset, row=number)
    if not 0 <= recorded["as_of"] < offset:
        raise InvalidProof("a prediction is read before it is recorded", offset=offset, as_of=recorded["as_of"])
    prediction = recorded["predictions"][number]
    service = _definition(events, "service_defined@1", recorded["service"], recorded["as_of"] + 1)
    _check_answering(events, recorded)
    _check_id(bundle["prediction"]["id"], recorded, prediction, offset, number)
    said = {"prediction": bundle["prediction"]["id"], "output": prediction["output"], "model": recorded["model"]}
    inputs = _inputs(events, service, prediction, recorded["as_of"])
    return {**said, "inputs": inputs, "size": tree["size"], "root": tree["root"]}


def _proven_events(spans: list[Span], items: Iterable[Any], tree: Any) -> dict[int, Event]:
    """The events of a bundle by offset, once chain and tree hold."""
    digests, previous, events = dict[int, str](), dict[int, str](), dict[int, Event]()
    for item in items:
        offset, line = item["offset"], item["line"].encode()
        _check_sizes(offset=offset)
        if offset in events:
            raise InvalidProof("an event stands once in a bundle", offset=offset)
        digest = _line_digest(spans, offset, _hash(item["previous"], "previous"), line)
        verify_inclusion(digest, offset, tree["size"], item["hashes"], tree["root"])
        events[offset] = _parse(line.decode())  # it begins with its own offset
        digests[offset], previous[offset] = digest, item["previous"]
    for offset, digest in digests.items():
        if previous.get(offset + 1, digest) != digest and offset + 1 not in {first for first, _, _ in spans}:
            raise InvalidProof("a line's digest binds the line before it", offset=offset + 1)
    return events


def _spans(header_line: str) -> list[Span]:
    """The spans of every ledger in the ancestry, the newest first."""
    body = (raw := header_line.encode())[:-TAIL_SIZE]
    digest = sha256(b"\0" + body)
    if raw != body + TAIL % digest.hexdigest().encode():
        raise InvalidProof("a header's digest binds its bytes")
    data = _parse(header_line)
    if data["format"] != "vectordb-ledger" or repr(data["version"]) != "1":
        raise InvalidProof("a header is of a ledger of a known version", format=data["format"])
    spans: list[Span] = []
    ledger_id, genesis, parent = data["ledger_id"], digest.digest(), data["parent"]
    while parent is not None:
        _check_sizes(offset=parent["offset"])
        spans.append((parent["offset"] + 1, bytes.fromhex(ledger_id), genesis))
        ledger_id, genesis, parent = parent["ledger_id"], _hash(parent["genesis"], "genesis"), parent["parent"]
    return [*spans, (1, bytes.fromhex(ledger_id), genesis)]


def _line_digest(spans: list[Span], offset: int, previous: bytes, line: bytes) -> str:
    """The digest of a line, once it binds the line's own bytes, its ledger and the line before it."""
    if offset < 1:
        raise InvalidProof("offsets count from 1", offset=offset)
    first, ledger_id, genesis = next(span for span in spans if span[0] <= offset)
    if offset == first and previous != genesis:
        raise InvalidProof("the first event of a ledger binds its header", offset=offset)
    body = line[:-TAIL_SIZE]
    digest = sha256(b"\0" + ledger_id + previous + body).hexdigest()
    if line != body + TAIL % digest.encode() or not body.startswith(b'{"offset":%d,' % offset):
        raise InvalidProof("a line's digest binds its bytes and the line before it", offset=offset)
    return digest


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise InvalidProof("a key stands once in an object", keys=[key for key, _ in pairs][:20])
    return dict(pairs)


_parse = json.JSONDecoder(object_pairs_hook=_once, parse_constant=int).decode  # int refuses NaN and Infinity


def _definition(events: Events, kind: str, label: str, before: int) -> dict[str, Any]:
    """The definition of ``name@version``, made before an offset."""
    for offset, event in events.items():
        if event["type"] == kind and offset < before:
            found: dict[str, Any] = event["definition"]
            if f"{found['name']}@{found['version']}" == label:
                return found
    raise InvalidProof("a bundle holds the definitions that it speaks of", type=kind, label=label)


def _check_answering(events: Events, recorded: Event) -> None:
    """The pipeline and the model that a prediction names are there, where they are data."""
    wanted = recorded.get("pipeline", 0)
    name = recorded["service"].partition("@")[0]
    if wanted and not any(_brings(event, name, wanted) for event in events.values()):
        raise InvalidProof("a bundle holds the pipeline that a prediction went through", pipeline=f"{name}#{wanted}")
    if any(event["type"] == "model_defined@1" for event in events.values()):
        _definition(events, "model_defined@1", recorded["model"], recorded["offset"])


def _brings(event: Event, service: str, version: int) -> bool:
    if event["type"] == "pipeline_fitted@1":
        fitted = event["fitted"]
        return fitted["service"].partition("@")[0] == service and bool(fitted["version"] == version)
    defined = event["definition"] if event["type"] == "service_defined@1" else {}
    return defined.get("name") == service and "fitted" in (defined.get("pipeline") or {})


def _check_id(said: str, recorded: Event, prediction: Event, offset: int, number: int) -> None:
    """The id reads ``service/entity@offset``, with ``.row`` where the event has several."""
    start = recorded["service"].partition("@")[0] + "/"
    end = f"@{offset}.{number}" if len(recorded["predictions"]) > 1 else f"@{offset}"
    entities = prediction["entities"]
    parts = [part for one in entities for part in (one if isinstance(one, list) else [one])]
    entity = entities[0] if len(entities) == 1 else parts
    written = (json.dumps(entity, ensure_ascii=False, separators=(",", ":")), entity)
    if not any(said == f"{start}{text}{end}" for text in written if isinstance(text, str)):
        raise InvalidProof("the id is the prediction's own", id=said, offset=offset, row=number)


def _inputs(events: Events, service: Event, prediction: Event, as_of: int) -> dict[str, Any]:
    """Every input with its value and source; each source is a write of the entity it was read for.

    Present and null is what a write wrote; of anything else the default of its feature is shown.
    """
    known = [one for at, one in sorted(events.items()) if one["type"] == "view_defined@1" and at <= as_of]
    views = {one["definition"]["name"]: one["definition"] for one in known}
    read = [item.partition(":")[0] for item in service["features"] if isinstance(item, str)]
    if not views.keys() >= set(read):
        raise InvalidProof("a bundle holds the views that a prediction reads", views=read)
    kinds = dict.fromkeys(views[view]["entity"] for view in read)
    entities = dict(zip(kinds, prediction["entities"], strict=True))
    states = prediction.get("states") or "p" * len(prediction["inputs"])
    found: dict[str, Any] = {}
    parts = zip(service["features"], prediction["inputs"], prediction["sources"], states, strict=True)
    for item, value, source, state in parts:
        name = item if isinstance(item, str) else item["request"]
        if source is not None and (not isinstance(item, str) or source[0] > as_of):
            raise InvalidProof("an input comes from a write before its read", input=name, source=source)
        if isinstance(item, str):
            view, _, feature = item.partition(":")
            if state not in {"p", "n"}:
                _check_default(views[view], feature, value, state)
            elif source is None:
                raise InvalidProof("a value that is present comes from a write", input=name, value=value)
            if source is not None:
                _check_written(events, item, value, source, state, entities[views[view]["entity"]])
        found[name] = {"value": value, "source": source}
    return found


def _check_default(view: Event, feature: str, value: Any, state: str) -> None:
    default = next(one for one in view["features"] if one["name"] == feature).get("default")
    if state not in {"m", "x"} or not _same(default, value):
        raise InvalidProof("of a value that is not there the default is shown", input=feature, value=value, state=state)


def _check_written(events: Events, item: str, value: Any, source: list[int], state: str, own: Any) -> None:
    """A source names a row of the input's view and entity; a present value is the one that it wrote."""
    offset, number = source
    event = events.get(offset)
    if event is None:
        raise InvalidProof("a bundle holds the events that it speaks of", offset=offset, input=item)
    block, place = _block(event, number)
    view, _, feature = item.partition(":")
    entity = block["entity"] if "entity" in block else block["entities"][place]
    if block["view"].partition("@")[0] != view or not _same(entity, own):
        raise InvalidProof("an input comes from a write of its own entity", input=item, source=source)
    names = [one["name"] for one in _definition(events, "view_defined@1", block["view"], offset)["features"]]
    written = _written(event, block, place, names, feature)
    if state in {"p", "n"} and ((written is None) is (state == "p") or not _same(written, value)):
        raise InvalidProof("an input is the value that its write wrote", input=item, source=source, value=value)


def _block(event: Event, number: int) -> tuple[Event, int]:
    """The block of an event that holds a row, and the row's place in it."""
    for block in event["writes"] if event["type"] == "transaction_committed@1" else [event]:
        rows = 1 if "entity" in block else len(block["entities"])
        if 0 <= number < rows:
            return block, number
        number -= rows
    raise InvalidProof("a source names a row of its event", offset=event["offset"], row=number)


def _written(event: Event, block: Event, place: int, names: list[str], feature: str) -> Any:
    """The stored form of what a row wrote to a feature; None for null, and for what it did not write."""
    if event["type"] == "entity_deleted@1" or block.get("deleted") or feature not in names:
        return None
    places = block.get("features", range(len(names)))
    position = names.index(feature)
    if position not in places:
        return None
    column = (block["values"] if "values" in block else block["columns"])[list(places).index(position)]
    return column if "values" in block else _cell(column, place, len(block["entities"]))


def _cell(column: dict[str, Any], place: int, rows: int) -> Any:
    """The stored form of one cell of a stored column, or its packed bytes; see the ledger's ``column_codec``."""
    if place in column.get("null", ()) or place in column.get("missing", ()):
        return None
    if "list" in column:
        return column["list"][place]
    if "dict" in column:
        return column["dict"][int.from_bytes(b64decode(column["codes"])[4 * place : 4 * place + 4], "little")]
    form, text = next((key, column[key]) for key in ("f64", "i64", "bool", "vec") if key in column)
    raw = b64decode(text)
    size = len(raw) // rows
    cell = raw[size * place : size * (place + 1)]
    if form == "bool":
        return cell == b"\1"
    return int.from_bytes(cell, "little", signed=True) if form == "i64" else cell


def _same(written: Any, value: Any) -> bool:
    """Whether a cell has the bits of a value: as JSON, or as packed bytes (a float's, a vector's)."""
    if isinstance(written, bytes):
        return written == (pack("<d", value) if isinstance(value, float) else b64decode(value))
    return json.dumps(written) == json.dumps(value)
