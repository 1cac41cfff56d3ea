"""A proof bundle: a prediction's own lines and the proof of each, as plain data for somebody without the ledger.

    {"format": "vectordb-bundle", "version": 1,
     "prediction": {"id": "ranker/d-7@5", "offset": 5, "row": 0},
     "tree": {"size": 1200, "root": "<hex>"},
     "checkpoint": "...",                                    the tree head as text, to compare with one that is signed
     "header": "<the first line of the ledger>",
     "events": [{"offset": 2, "line": "<as in the ledger>", "previous": "<hex>", "hashes": ["<hex>", ...]}, ...]}

A line's digest binds its bytes, the ledger's id and the digest before it, which is why ``previous`` is told; the
digest is the leaf whose inclusion ``hashes`` prove. ``ledger/proofs/verification.py`` checks all of it by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ledger import ROW_BITS, ROW_MASK, FeatureRef, PredictionsRecorded, parse_label
from vectordb.audit.kit_events import whole_event
from vectordb.audit.proving import inclusion, root, size_of, tree_head
from vectordb.views.version import find_row

if TYPE_CHECKING:
    from vectordb.predictions.prediction import Prediction
    from vectordb.reader import Reader


def bundle(reader: Reader, prediction: Prediction, size: int | None) -> dict[str, Any]:
    """The bundle of a prediction."""
    wanted = size_of(reader, size)
    fact = whole_event(reader.state, prediction.offset).fact
    assert isinstance(fact, PredictionsRecorded)
    number = find_row(reader.state.log, prediction.id, prediction.offset).ref & ROW_MASK
    with reader.state.lock:
        reader.state.heal()
        inputs = {ref >> ROW_BITS for ref in prediction.row.sources if ref}
        offsets = {prediction.offset, *inputs, *_definitions(reader, fact, prediction.offset, inputs)}
    return {
        "format": "vectordb-bundle",
        "version": 1,
        "prediction": {"id": prediction.id, "offset": prediction.offset, "row": number},
        "tree": {"size": wanted, "root": root(reader, wanted)},
        "checkpoint": tree_head(reader, wanted),
        "header": reader.header.line().decode(),
        "events": [_event(reader, offset, wanted) for offset in sorted(offsets)],
    }


def _event(reader: Reader, offset: int, size: int) -> dict[str, Any]:
    state = reader.state
    whole_event(state, offset)
    line = state.journal.line(offset)
    _, previous = state.log.chain.before(offset)
    hashes = inclusion(reader, offset, size).hashes
    return {"offset": offset, "line": line.decode(), "previous": previous.hex(), "hashes": list(hashes)}


def _definitions(reader: Reader, fact: PredictionsRecorded, recorded: int, inputs: set[int]) -> set[int]:
    """The events of the definitions in force: service, views (as read, and as written), pipeline and model."""
    catalog = reader.state.catalog
    name, version = parse_label(fact.service)
    service_offset, service = catalog.services.versions(name)[(version or 0) - 1]
    found = {service_offset}
    views = {item.view for item in service.features if isinstance(item, FeatureRef)}
    for view in views:
        found.add(catalog.views.versions(view, fact.as_of)[-1][0])
    for offset in inputs:
        for block in whole_event(reader.state, offset).fact.blocks():
            view, _, number = block.layout.label.partition("@")
            if view in views:
                found.add(catalog.views.versions(view)[int(number) - 1][0])
    if fact.pipeline:
        found.add(catalog.pipelines.versions(name)[fact.pipeline - 1][0])
    model, number_of = parse_label(fact.model)
    if number_of and catalog.models.find(model, recorded) is not None:
        found.add(catalog.models.versions(model)[number_of - 1][0])
    return found
