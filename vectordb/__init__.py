"""An in-memory feature database for machine-learning inference: an event ledger with materialized views.

Every write is an immutable event; views of the current features, of every version, of lineage, vectors, predictions and
experiments are folded from the log; any read can be asked as of any past offset. Standard library only.

>>> db = VectorDB()                                  # or VectorDB.open("ledger.jsonl"), VectorDB.connect("shared.db")
>>> drivers = db.create_view("drivers", entity="driver", features={"trips": Int(default=0), "spot": Vector(2)})
>>> receipt = drivers.put("d-7", {"trips": 12, "spot": [1.0, 0.0]})
>>> drivers.get("d-7")["trips"]
12
>>> db.as_of(1).view("drivers").get("d-7").found     # not there yet
False

Where to look next (``help`` of each tells the rest):

- features: ``db.create_view``; ``view.put``, ``put_many``, ``load``, ``delete``, ``get``, ``get_many``, ``history``;
  ``db.transaction`` for several writes in one event
- vectors: ``Vector(128, metric="cosine")`` is a feature type; ``view.search``, ``search_many``, ``index(f).build()``
- inputs of models: ``db.create_service``; ``service.get``, ``get_many``, ``training_set``, and ``fit`` with a pipeline
  (``vectordb.transforms``)
- predictions: ``db.record_prediction``, ``db.reproduce``; ``vectordb.serving.Predictor`` does it all in one call
- experiments: ``db.create_experiment``; ``experiment.assign``, ``expose``, ``record``, ``analyze``
- the past: ``db.as_of(offset)`` answers every read; ``db.fork(offset)`` is writable; ``db.mark``, ``db.events``
- the data: ``view.statistics``, ``view.drift``; of a pipeline ``service.parity``, ``service.pipeline_drift``
- why: ``db.audit`` (explain, bisect, diff, verify, proofs), ``db.lineage``, ``db.what_if``
- letting go: ``db.erase``, ``db.compact``
- other tools: ``vectordb.interop`` (Arrow, DLPack), ``.serving`` (WSGI, ASGI), ``.observability``, ``db.export``
- tests of yours: ``ManualClock``, ``VectorDB.replay``, ``vectordb.testing.record_story`` and ``assert_story``

>>> hits = drivers.search("spot", [1.0, 0.1], k=1)
>>> hits.entities, hits[0].version
(['d-7'], 'drivers/d-7@2')
>>> service = db.create_service("eta", features=["drivers:trips"])
>>> told = db.record_prediction(service.get("d-7"), model="eta@1", output=4.2)
>>> db.reproduce(told.id).inputs                     # the same bits, from the versions it pinned
True

Refusals are ``VectorDBError`` and its children, carry their values, and leave the ledger as it was.
"""

from ledger import (
    MISSING,
    AlreadyTrue,
    Bool,
    CannotExchange,
    CannotTransform,
    Category,
    ClosedLedger,
    Conflict,
    ConnectionLost,
    DamagedLog,
    DefinitionConflict,
    DefinitionError,
    DigestMismatch,
    EntityNotFound,
    Erased,
    Event,
    Float,
    ForkedProcess,
    HeadConflict,
    HeadMismatch,
    HeadMoved,
    IdempotencyConflict,
    Int,
    InvalidCells,
    InvalidEntity,
    InvalidEvent,
    InvalidInput,
    InvalidName,
    InvalidProof,
    InvalidTime,
    InvalidVersion,
    LedgerLocked,
    LedgerReplaced,
    LineTooLong,
    ManualClock,
    MarkConflict,
    Metric,
    NotANumber,
    NotFitted,
    NotInLog,
    OffsetConflict,
    OffsetOutOfRange,
    Omitted,
    ProjectionError,
    Pruned,
    ReadOnlyLedger,
    Request,
    StatementFailed,
    StillFalse,
    StoreError,
    Text,
    TimeOutOfRange,
    Timestamp,
    TreeHead,
    UnknownEventType,
    UnknownName,
    UnknownVersion,
    Vector,
    VectorDBError,
    WriteFailed,
    parse_tree_head,
    verify_bundle,
    verify_consistency,
    verify_inclusion,
)
from projections import Projection, distance, distance_matrix, distances, similarity
from vectordb.audit import ConsistencyProof, InclusionProof, ReproductionKit
from vectordb.database import VectorDB
from vectordb.dense import Dense
from vectordb.drift import FeatureDrift, ViewDrift
from vectordb.experiments import (
    AdjustedTest,
    Adjustments,
    AlwaysValid,
    Analysis,
    ArmEffect,
    ArmSummary,
    Assignment,
    DryRun,
    EffectHistory,
    EffectLook,
    EffectSeries,
    Experiment,
    Exposed,
    GuardrailTest,
    LiveExperiment,
    Move,
    Reallocation,
    Scorecard,
    Segment,
    Segments,
    planning,
)
from vectordb.hits import Hit, Hits
from vectordb.indexing import VectorIndex
from vectordb.live_service import LiveService
from vectordb.live_view import LiveView, Loaded
from vectordb.matrix import FeatureMatrix
from vectordb.models import Model
from vectordb.parity import Parity
from vectordb.past import Past
from vectordb.pipeline_drift import PipelineDrift
from vectordb.plan import Status
from vectordb.prediction import Prediction
from vectordb.reader import Reader
from vectordb.receipt import Receipt
from vectordb.release import RELEASE
from vectordb.reproduction import Drift, Reproduction
from vectordb.row import Row
from vectordb.service import Service
from vectordb.service_row import ServiceRow
from vectordb.statistics import FeatureStatistics, ViewStatistics
from vectordb.subscription import Subscription
from vectordb.training_set import FeatureLeakage, Leakage, TrainingSet
from vectordb.transaction import Transaction
from vectordb.transformed_matrix import TransformedMatrix
from vectordb.transformed_row import TransformedRow
from vectordb.version import Version
from vectordb.view import View

__version__ = RELEASE

__all__ = [
    "MISSING",
    "AdjustedTest",
    "Adjustments",
    "AlreadyTrue",
    "AlwaysValid",
    "Analysis",
    "ArmEffect",
    "ArmSummary",
    "Assignment",
    "Bool",
    "CannotExchange",
    "CannotTransform",
    "Category",
    "ClosedLedger",
    "Conflict",
    "ConnectionLost",
    "ConsistencyProof",
    "DamagedLog",
    "DefinitionConflict",
    "DefinitionError",
    "Dense",
    "DigestMismatch",
    "Drift",
    "DryRun",
    "EffectHistory",
    "EffectLook",
    "EffectSeries",
    "EntityNotFound",
    "Erased",
    "Event",
    "Experiment",
    "Exposed",
    "FeatureDrift",
    "FeatureLeakage",
    "FeatureMatrix",
    "FeatureStatistics",
    "Float",
    "ForkedProcess",
    "GuardrailTest",
    "HeadConflict",
    "HeadMismatch",
    "HeadMoved",
    "Hit",
    "Hits",
    "IdempotencyConflict",
    "InclusionProof",
    "Int",
    "InvalidCells",
    "InvalidEntity",
    "InvalidEvent",
    "InvalidInput",
    "InvalidName",
    "InvalidProof",
    "InvalidTime",
    "InvalidVersion",
    "Leakage",
    "LedgerLocked",
    "LedgerReplaced",
    "LineTooLong",
    "LiveExperiment",
    "LiveService",
    "LiveView",
    "Loaded",
    "ManualClock",
    "MarkConflict",
    "Metric",
    "Model",
    "Move",
    "NotANumber",
    "NotFitted",
    "NotInLog",
    "OffsetConflict",
    "OffsetOutOfRange",
    "Omitted",
    "Parity",
    "Past",
    "PipelineDrift",
    "Prediction",
    "Projection",
    "ProjectionError",
    "Pruned",
    "ReadOnlyLedger",
    "Reader",
    "Reallocation",
    "Receipt",
    "Reproduction",
    "ReproductionKit",
    "Request",
    "Row",
    "Scorecard",
    "Segment",
    "Segments",
    "Service",
    "ServiceRow",
    "Status",
    "StatementFailed",
    "StillFalse",
    "StoreError",
    "Subscription",
    "Text",
    "TimeOutOfRange",
    "Timestamp",
    "TrainingSet",
    "Transaction",
    "TransformedMatrix",
    "TransformedRow",
    "TreeHead",
    "UnknownEventType",
    "UnknownName",
    "UnknownVersion",
    "Vector",
    "VectorDB",
    "VectorDBError",
    "VectorIndex",
    "Version",
    "View",
    "ViewDrift",
    "ViewStatistics",
    "WriteFailed",
    "distance",
    "distance_matrix",
    "distances",
    "parse_tree_head",
    "planning",
    "similarity",
    "verify_bundle",
    "verify_consistency",
    "verify_inclusion",
]
