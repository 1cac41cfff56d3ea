"""The report of the main job: a ledger replayed into a fresh instance, verified, its predictions reproduced."""

from __future__ import annotations

import platform
import time
from typing import Any

from ledger import DamagedLog, Header, KitLog, VectorDBError
from vectordb.database import VectorDB
from vectordb.persistence.opening import OpenReport
from vectordb.transforms import transformer_from_dict

SHOWN = 20  # drifted predictions listed in full


def replay_report(path: str) -> dict[str, Any]:
    """Replay a file and say what was found; ``ok`` is False when anything differs or a line is torn.

    Raises ``OSError``.
    """
    start = time.perf_counter()
    report: dict[str, Any] = {"path": path, "ok": False, "python": platform.python_version()}
    try:
        db = VectorDB.replay(path)
    except DamagedLog as error:
        return {**report, "error": _error(error)}
    replayed = time.perf_counter()
    report.update(_state(db))
    try:
        db.check()
        db.state.journal.check_wording()
        report["pipelines"] = _pipelines(db)
        verified = time.perf_counter()
        report["predictions"] = _predictions(db)
    except VectorDBError as error:
        return {**report, "error": _error(error)}
    except AssertionError as error:
        return {**report, "error": {"code": "BrokenInvariant", "rule": str(error) or "an invariant of a projection"}}
    done = time.perf_counter()
    report["seconds"] = {
        "replay": round(replayed - start, 3),
        "verify": round(verified - replayed, 3),
        "reproduce": round(done - verified, 3),
    }
    found = report["predictions"]
    report["ok"] = report["torn"] is None and found["drifted"] == 0 and found["not_computable"] == 0
    return report


def _state(db: VectorDB) -> dict[str, Any]:
    log = db.state.log
    part = {"kit": {"events": len(log.kit.lines), **log.kit.title._asdict()}} if isinstance(log, KitLog) else {}
    return part | {
        "ledger": _header(db.header),
        "events": db.head,
        "torn": _torn(db.opened),
        "head": {"offset": db.head, "digest": db.digest()},
        "erasures": len(db.state.log.registry.erasures),
        "pruned_below": db.state.log.pruned,
        "projections": {projection.name: projection.counts() for projection in db.state.fold.projections},
    }


def _torn(opened: OpenReport) -> dict[str, int] | None:
    """The last line where it is cut short, which no event was made of."""
    return {"line": opened.torn_line, "bytes": opened.torn_bytes} if opened.torn_bytes else None


def _header(header: Header) -> dict[str, Any]:
    parent = {"ledger_id": header.parent.ledger_id, "offset": header.parent.offset} if header.parent else None
    return {"id": header.ledger_id, "parent": parent}


def _pipelines(db: VectorDB) -> int:
    """Build every version of every pipeline; how many there are. A malformed one is refused, with its place."""
    catalog = db.state.catalog
    for _, definition in catalog.services:
        if definition.pipeline is not None:
            transformer_from_dict(definition.pipeline, definition.label)
    for _, fitted in catalog.pipelines:
        transformer_from_dict(fitted.pipeline, fitted.label)
    return len(list(catalog.pipelines))


def _predictions(db: VectorDB) -> dict[str, Any]:
    found: dict[str, Any] = {"recorded": 0, "inputs_reproduced": 0, "outputs_reproduced": 0, "outputs_unchecked": 0}
    drifted: list[dict[str, Any]] = []
    missing: list[dict[str, Any]] = []
    found["pruned"] = 0  # read as of an offset that a compaction let go: recorded, and not computed again
    for prediction in db.predictions():
        found["recorded"] += 1
        if prediction.as_of < db.state.log.pruned:
            found["pruned"] += 1
            continue
        result = db.reproduce(prediction.id)
        found["inputs_reproduced"] += result.inputs
        found["outputs_reproduced"] += result.output is True
        found["outputs_unchecked"] += result.output is None
        if result.drifted:
            drifted.append({"id": prediction.id, "drifted": [drift._asdict() for drift in result.drifted]})
        if result.missing:
            missing.append({"id": prediction.id, "missing": list(result.missing)})
    reasons = {"drifts": drifted[:SHOWN], "reasons": missing[:SHOWN]}
    return {**found, "drifted": len(drifted), "not_computable": len(missing), **reasons}


def _error(error: VectorDBError) -> dict[str, Any]:
    return {"code": error.code, "rule": error.rule, **_plain(error.values)}


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value if isinstance(value, (int, str)) else repr(value) for name, value in values.items()}
