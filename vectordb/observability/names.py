"""Names of attributes: OpenTelemetry's conventions for databases and feature flags, and a few of our own.

Sources: opentelemetry.io/docs/specs/semconv, "Database client calls" (stable since 1.33) and "Feature flags in logs".
"""

from __future__ import annotations

from typing import Final

SYSTEM: Final = "db.system.name"
SYSTEM_IS: Final = "vectordb"
OPERATION: Final = "db.operation.name"
COLLECTION: Final = "db.collection.name"
BATCH: Final = "db.operation.batch.size"  # from two on: the convention has it never be 1
RETURNED: Final = "db.response.returned_rows"
ERROR: Final = "error.type"
AS_OF: Final = "vectordb.as_of"  # the offset of a past that was read
OFFSET: Final = "vectordb.offset"  # of the event that a write made
DURATION: Final = "db.client.operation.duration"  # the histogram, in seconds

EVALUATION: Final = "feature_flag.evaluation"
FLAG: Final = "feature_flag.key"
VARIANT: Final = "feature_flag.result.variant"
REASON: Final = "feature_flag.result.reason"
FLAG_VERSION: Final = "feature_flag.version"
PROVIDER: Final = "feature_flag.provider.name"
OUR_REASON: Final = "vectordb.reason"
UNITS: Final = "vectordb.units"  # how many evaluations one call of a hook stands for
