"""Pipelines, and predictions through them, that no writer wrote, their digests right."""

from __future__ import annotations

from typing import Any

from tests.replay.broken_ledger import Sealed
from tests.replay.damaged_definitions import DEFINITIONS, ROW, SERVICE, event, service

__all__ = ["DEFINITIONS"]

PLAIN = {"type": "StandardScaler", "parameters": {"with_mean": True}}
LEARNT = {"n_features_in_": 1, "feature_names_in_": ["age"], "mean_": [41.0], "var_": [4.0], "scale_": [2.0],
          "n_samples_seen_": [1], "sums_": [[1, 41, 1681, 1]]}  # fmt: skip
FITTED = {"service": "ages@1", "version": 1, "as_of": 3, "at": 1772323203000000, "views": ["users@1"], "rows": 1,
          "pipeline": {**PLAIN, "fitted": LEARNT}}  # fmt: skip


def scaled(sealed: Sealed) -> None:
    sealed.event("service_defined@1", {"definition": {**SERVICE, "pipeline": PLAIN}})


def fitted_once(sealed: Sealed) -> None:
    scaled(sealed)
    sealed.event("pipeline_fitted@1", {"fitted": FITTED})


def plainly(sealed: Sealed) -> None:
    sealed.event("service_defined@1", {"definition": SERVICE})


def pipeline(reason: str, why: str, before: Any = scaled, **changes: Any) -> None:
    event(reason, why, "pipeline_fitted@1", {"fitted": {**FITTED, **changes}}, before)


def prediction(reason: str, why: str, row: dict[str, Any], **changes: Any) -> None:
    fields = {"service": "ages@1", "as_of": 4, "at": 1772323203000000, "model": "m", **changes}
    event(reason, why, "predictions_recorded@1", {**fields, "predictions": [{**ROW, **row}]}, fitted_once)


service("service_pipeline_without_parameters", "a pipeline of nothing but a type", pipeline={"type": "StandardScaler"})
service("service_pipeline_unknown_field", "a pipeline with an unknown field", pipeline={**PLAIN, "code": "print()"})
service("service_pipeline_not_object", "a pipeline that is a list", pipeline=[PLAIN])
pipeline("pipeline_of_an_unknown_service", "a service that nothing defined", service="ranker@1")
pipeline("pipeline_of_a_later_service", "a version of a service that comes later", service="ages@2")
pipeline("pipeline_of_a_plain_service", "a service without a pipeline", plainly)
pipeline("pipeline_not_fitted", "nothing that was learnt", pipeline=PLAIN)
_other = {"type": "MinMaxScaler", "parameters": {"clip": True}, "fitted": LEARNT}
pipeline("pipeline_of_another_type", "another transformer than the service defines", pipeline=_other)
_none = {**PLAIN, "parameters": {"with_mean": False}, "fitted": LEARNT}
pipeline("pipeline_of_other_parameters", "another parameter than the service defines", pipeline=_none)
pipeline("pipeline_version_out_of_turn", "a pipeline's first version is 2", version=2)
pipeline("pipeline_version_again", "a version that is there already", fitted_once)
pipeline("pipeline_version_zero", "versions count from 1", version=0)
pipeline("pipeline_fitted_on_the_future", "a fit on its own offset", as_of=5)
pipeline("pipeline_fitted_on_nothing", "a fit on no event", as_of=0)
pipeline("pipeline_fitted_on_no_rows", "a fit on no rows", rows=0)
pipeline("pipeline_without_clock", "a fit at no clock", at=None)
pipeline("pipeline_of_an_unknown_view", "a version of a view that nothing defined", views=["users@7"])
pipeline("pipeline_of_a_view_without_version", "a view without its version", views=["users"])
pipeline("pipeline_unknown_field", "a fit with an unknown field", quality=1)
prediction("prediction_of_a_later_pipeline", "a version of a pipeline that comes later", {}, pipeline=2)
prediction("prediction_of_pipeline_zero", "versions of a pipeline count from 1", {}, pipeline=0)
prediction("prediction_transformed_malformed", "a digest that is none", {"transformed": "AB" * 32}, pipeline=1)
