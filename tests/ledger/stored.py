"""One of every fact, as a log of real lines."""

from __future__ import annotations

from typing import Any

from ledger import (
    EntityDeleted,
    ExperimentDefined,
    ExperimentDefinition,
    Exposure,
    ExposuresRecorded,
    FeatureRef,
    FittedPipeline,
    Float,
    Int,
    Log,
    LogMarked,
    Meta,
    Metric,
    ModelDefined,
    ModelDefinition,
    Origin,
    Outcome,
    OutcomesRecorded,
    PipelineFitted,
    PredictionRow,
    PredictionsRecorded,
    Rejection,
    Request,
    RowsPut,
    ServiceDefined,
    ServiceDefinition,
    Text,
    TrainingSetRecord,
    TrainingSetRecorded,
    TransactionCommitted,
    ViewDefined,
    ViewDefinition,
    build_block,
    build_deletes,
    decode_event,
    encode_event,
    parse_bodies,
)
from tests.ledger.making import A_ROW, EVERY_TYPE, T0, append, columns_of, define, new_log, next_ref, row_put, rows_put


def every_fact() -> Log:
    """A log with every type of event and every form of it. What stands here fixes the known digests too."""
    log = new_log(seed=7)
    layout = define(log, "drivers", **EVERY_TYPE)
    labels: dict[str, Any] = {"ttl": 86_400_000_000, "owner": "ml", "tags": ("eu", "é"), "description": "who drives"}
    append(log, ViewDefined(ViewDefinition("riders", 1, "rider", {"age": Int(default=0), "note": Text()}, **labels)))
    append(log, row_put(log, layout, "d-7", A_ROW, at=T0 + 2), T0 + 2)
    append(log, row_put(log, layout, ("eu", 7), {"trips": None, "city": 1}, at=5))
    origin = Origin((3 << 24, 4 << 24), "sessionize@3", "key-1", "ab" * 16)
    append(log, row_put(log, layout, 7, {"rating": 0.1}, origin), meta=Meta("etl", "run-9", "cause", ("x", "y")))
    append(log, EntityDeleted(layout, "d-7", layout.tombstone(next_ref(log), T0 - 1)), meta=Meta(tags=("gone",)))
    few = {
        "trips": [1, None],
        "rating": [-0.0, 2.5],
        "city": ["Rome", 3],
        "note": ["é", ""],
        "profile": [[1, 2, 3], None],
    }
    append(log, rows_put(log, layout, ["a", 8], few, at=[T0, T0 - 9]))
    many = {name: [value] * 17 for name, value in A_ROW.items()}
    many["city"] = [f"c{row % 3}" for row in range(17)]
    append(log, rows_put(log, layout, list(range(17)), many))
    rejected = (Rejection(1, "b", "trips", "'x'", "an Int is an int"), Rejection(2, "None", None, "None", "no entity"))
    block = build_block(layout, ["a"], columns_of(layout, {"trips": [4]}), next_ref(log), T0)
    append(log, RowsPut(block, Origin(key="k", args="0" * 32), rejected))
    ref, riders = next_ref(log), log.layouts.newest("riders")
    writes = (
        build_block(layout, ["a", "b"], columns_of(layout, {"trips": [1, 2]}), ref, T0),
        build_deletes(riders, ["r", ("r", 1)], ref + 2, [T0, T0 - 5]),
        build_block(riders, ["r"], columns_of(riders, {"age": [1], "note": ["x"]}), ref + 4, T0 + 9),
    )
    append(log, TransactionCommitted(writes, Origin((3 << 24,))), meta=Meta(actor="etl"))
    features = (FeatureRef("drivers", "trips"), FeatureRef("riders", "age"), Request("km", Float(default=1.5)))
    append(log, ServiceDefined(ServiceDefinition("ranker", 1, features, owner="ml", tags=("a",))))
    append(
        log, ModelDefined(ModelDefinition("risk", 1, "linear", {"weights": [0.1, -2], "bias": None}, description="d"))
    )
    rows = (
        PredictionRow(("d-7", ("r", 1)), (12, None, 3.1), (3 << 24, 0, 0), 0.81, "pmp", {"arm": "b"}),
        PredictionRow(("a", "r"), (1, 1, 0.5), (10 << 24, 10 << 24 | 4, 0), {"scores": [1, 0.5]}),
    )
    append(log, PredictionsRecorded("ranker@1", 10, T0 + 3, "risk@1", rows, Origin(key="p", args="1" * 32)))
    append(log, LogMarked("release-7 é"))
    append(log, ViewDefined(ViewDefinition("riders", 2, "rider", {"note": Text(max_bytes=9)})))
    # Pipelines stand last: the digests of what is above stay as they have always been.
    plain = {"type": "StandardScaler", "parameters": {"with_mean": False}}
    learnt = {**plain, "fitted": {"mean_": [0.1], "label": "é", "sums_": [[2, {"int": "0x40000000000000"}, 3, 1]]}}
    append(log, ServiceDefined(ServiceDefinition("scaled", 1, features[:1], plain)))
    fitted = FittedPipeline("scaled@1", 1, learnt, 3, T0 + 3, ("drivers@1",), 2, "label", "ab" * 32)
    append(log, PipelineFitted(fitted))
    append(log, ServiceDefined(ServiceDefinition("scaled", 2, features[:1], learnt)))
    scaled = PredictionRow(("d-7",), (12,), (3 << 24,), 0.5, transformed="cd" * 32)
    append(log, PredictionsRecorded("scaled@2", 18, T0 + 3, "m", (scaled,), pipeline=2))
    _experiments(log)
    _training_sets(log)
    return log


def _experiments(log: Log) -> None:
    """Every form of the events of experiments; they stand behind all others."""
    arms = {"control": 0.25, "treatment": 0.75}
    plain = ExperimentDefinition("trial", 1, "driver", arms, 0.5, metrics={"spent": Metric()})
    append(log, ExperimentDefined(plain))
    metrics = {"spent": Metric("sum", window_micros=3_600_000_000, covariate="drivers:trips"),
               "rate": Metric("mean", over="spent")}  # fmt: skip
    who: dict[str, Any] = {"salt": "é", "layer": "home", "share": 0.125, "holdout": "year", "holdout_share": 0.1}
    some: dict[str, Any] = {"forced": (("d-7", "control"), (("eu", 7), "control")), "sticky": True}
    target: dict[str, Any] = {"view": "drivers", "where": {"trips": {"$gte": 3}, "city": {"$in": ["Rome", 1]}}}
    more: dict[str, Any] = {"bucket_version": 2, "reason": "é", "owner": "ml", "tags": ("a",), "description": "d"}
    append(log, ExperimentDefined(ExperimentDefinition("trial", 2, "driver", arms, 1.0, metrics=metrics, **who, **some,
                                                       **target, **more)))  # fmt: skip
    met = (Exposure("d-7", "control", "forced", 1.0), Exposure(("eu", 7), "treatment", "split", 0.75))
    append(log, ExposuresRecorded("trial@2", met, T0 - 5), meta=Meta("web"))
    append(log, ExposuresRecorded("trial@2", (Exposure(8, "treatment", "sticky", 0.1),), T0 + log.head))
    did = (Outcome("d-7", "spent", -0.0, T0 - 1), Outcome(8, "rate", 2.5, T0))
    append(log, OutcomesRecorded("trial@2", did, Origin(key="o", args="2" * 32)))
    stopped = ExperimentDefinition("trial", 3, "driver", arms, 1.0, bucket_version=2, running=False, final="control")
    append(log, ExperimentDefined(stopped))


def _training_sets(log: Log) -> None:
    """Both forms of a training set; they stand behind all others."""
    digests = {"digest": "ab" * 32, "spine": "cd" * 32}
    columns = ("trips", "age", "km")
    refs = (3 << 24, 10 << 24, 10 << 24 | 4)
    plain = TrainingSetRecord("march", "ranker@1", 13, T0 + 3, (13, 13), columns, (), 2, refs, **digests)
    append(log, TrainingSetRecorded(plain))
    more: dict[str, Any] = {**digests, "model": "risk@1"}
    full = TrainingSetRecord("april", "ranker@1", 14, -5, (3, 14), columns, ("label é",), 9, (), **more)
    append(log, TrainingSetRecorded(full))


def again(log: Log, body: bytes, offset: int) -> bytes:
    """The body of a body: read by the layouts of a log, and written again."""
    data = parse_bodies([body], offset, offset + 1)[0]
    time, fact, meta = decode_event(data, log.layouts.__getitem__, offset + 1)
    return encode_event(offset, time, fact, meta)
