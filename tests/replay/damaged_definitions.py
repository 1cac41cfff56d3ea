"""Definitions and predictions that no writer wrote, their digests right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.replay.broken_ledger import Broken, Sealed

DEFINITIONS: dict[str, Callable[[], Broken]] = {}
VIEW = {"name": "items", "version": 1, "entity": "item", "features": [{"name": "price", "type": "float"}]}
SERVICE = {"name": "ages", "version": 1, "features": ["users:age"]}
LINEAR = {"features": ["age"], "coefficients": [2.0], "intercept": 0.0}
MODEL = {"name": "twice", "version": 1, "kind": "linear", "parameters": LINEAR}
ROW = {"entities": ["ann"], "inputs": [41], "sources": [[2, 0]], "output": 82.0}


def event(
    reason: str, why: str, kind: str, fields: dict[str, Any], before: Callable[[Sealed], Any] | None = None
) -> None:
    broken(reason, why, lambda sealed: sealed.event(kind, fields), before)


def text(reason: str, why: str, kind: str, rest: str, before: Callable[[Sealed], Any] | None = None) -> None:
    broken(reason, why, lambda sealed: sealed.text(rest, kind), before)


def broken(
    reason: str, why: str, last: Callable[[Sealed], Sealed], before: Callable[[Sealed], Any] | None = None
) -> None:
    def build() -> Broken:
        sealed = Sealed()
        if before is not None:
            before(sealed)
        return last(sealed).broken(why=why)

    DEFINITIONS[reason] = build


def view(reason: str, why: str, **changes: Any) -> None:
    event(reason, why, "view_defined@1", {"definition": {**VIEW, **changes}})


def feature(reason: str, why: str, **changes: Any) -> None:
    view(reason, why, features=[{**VIEW["features"][0], **changes}])  # type: ignore[index]


def service(reason: str, why: str, **changes: Any) -> None:
    event(reason, why, "service_defined@1", {"definition": {**SERVICE, **changes}})


def model(reason: str, why: str, **changes: Any) -> None:
    event(reason, why, "model_defined@1", {"definition": {**MODEL, **changes}})


def served(sealed: Sealed) -> None:
    sealed.event("service_defined@1", {"definition": SERVICE})


def prediction(reason: str, why: str, row: dict[str, Any] | None = None, **changes: Any) -> None:
    fields = {"service": "ages@1", "as_of": 3, "at": 1772323203000000, "model": "m"}
    rows = {"predictions": [{**ROW, **(row or {})}]}
    event(reason, why, "predictions_recorded@1", {**fields, **rows, **changes}, served)


view("view_version_out_of_turn", "a view's first version is 2", version=2)
view("view_version_again", "a version that is there already", name="users")
view("view_version_is_true", "a version that is a bool", version=True)
view("view_name_malformed", "a name with a space", name="my items")
view("view_without_features", "a view of nothing", features=[])
view("view_ttl_zero", "a time to live of zero", ttl=0)
view("view_ttl_negative", "a negative time to live", ttl=-1)
view("view_unknown_field", "a definition with an unknown field", colour="red")
view("view_tags_not_text", "a tag that is a number", tags=[1])
_age = {"name": "age", "type": "float"}
view("feature_type_changed", "an Int became a Float", name="users", version=2, features=[_age])
_face = {"name": "face", "type": "vector", "dim": 3, "metric": "cosine", "dtype": "float32"}
view("vector_dimension_changed", "a vector of two became one of three", name="users", version=2, features=[_face])
_metric = {**_face, "dim": 2, "metric": "dot"}
view("vector_metric_changed", "a vector's metric changed", name="users", version=2, features=[_metric])
view("feature_twice", "a feature defined twice", features=[VIEW["features"][0]] * 2)  # type: ignore[index]
feature("feature_type_unknown", "a feature type that this release lacks", type="complex")
feature("feature_argument_unknown", "an argument that its type lacks", max_bytes=3)
feature("feature_default_of_wrong_type", "a default of another type", default="3")
feature("feature_name_malformed", "a feature whose name has a space", name="a price")
feature("vector_dimension_zero", "a vector without elements", type="vector", dim=0)
feature("vector_metric_unknown", "a metric that this release lacks", type="vector", dim=2, metric="taxicab")

service("service_version_out_of_turn", "a service's first version is 2", version=2)
service("service_version_zero", "versions count from 1", version=0)
service("service_of_an_unknown_view", "a service reads a view that nothing defined", features=["items:price"])
service("service_of_an_unknown_feature", "a service reads a feature that its view lacks", features=["users:height"])
service("service_feature_malformed", "a feature without its view", features=["age"])
service("service_feature_twice", "a feature named twice", features=["users:age", "users:age"])
service("service_without_features", "a service of nothing", features=[])
_request = {"request": "km", "type": "complex"}
service("service_request_of_unknown_type", "a request input of no type", features=[_request])

model("model_version_out_of_turn", "a model's first version is 2", version=2)
model("model_version_zero", "versions count from 1", version=0)
model("model_unknown_field", "a model with an unknown field", code="print()")
model("model_parameters_not_object", "parameters that are a list", parameters=[1])
_model = '"definition":{"name":"twice","version":1,"kind":"linear","parameters":{"features":["age"],"coefficients":'
text("model_coefficient_infinite", "a coefficient of 1e999", "model_defined@1", f'{_model}[1e999]}}}}')
text("model_lone_surrogate", "half of a surrogate pair", "model_defined@1", f'{_model}["\\ud800"]}}}}')

event("mark_empty", "a mark without a name", "log_marked@1", {"name": ""})
event("mark_twice", "a mark set again", "log_marked@1", {"name": "m"}, lambda s: s.event("log_marked@1", {"name": "m"}))
text("lone_surrogate_in_mark", "half of a surrogate pair", "log_marked@1", '"name":"\\ud800"')

prediction("prediction_of_an_unknown_service", "a service that nothing defined", service="ranker@1")
prediction("prediction_of_an_unknown_service_version", "a version of a service that comes later", service="ages@2")
prediction("prediction_service_without_version", "a service without its version", service="ages")
prediction("prediction_read_in_the_future", "a read at its own offset", as_of=5)
prediction("prediction_read_before_the_beginning", "a read at a negative offset", as_of=-1)
prediction("prediction_without_clock", "a read at no clock", at=None)
prediction("prediction_of_nobody", "no prediction at all", predictions=[])
prediction("prediction_inputs_uneven", "an input without a source", {"inputs": [41, 1]})
_two = {"inputs": [41, 1], "sources": [[2, 0], None]}
prediction("prediction_inputs_too_many", "more inputs than the service has", _two)
prediction("prediction_entities_too_many", "more entities than the service reads", {"entities": ["ann", "bob"]})
prediction("prediction_without_entity", "a prediction for nobody", {"entities": []})
prediction("prediction_states_unknown", "a state that has no letter", {"states": "q"})
prediction("prediction_source_later", "a source after the read", {"sources": [[4, 0]]})
prediction("prediction_source_missing", "a source's event has no such row", {"sources": [[2, 7]]})
prediction("prediction_source_of_another", "a source that is a definition", {"sources": [[1, 0]]})
prediction("prediction_unknown_field", "a prediction with an unknown field", {"confidence": 1})
_prediction = '"service":"ages@1","as_of":3,"at":1772323203000000,"model":"m","predictions":[{"entities":["ann"],'
for _reason, _rest in {
    "prediction_input_infinite": '"inputs":[1e999],"sources":[[2,0]],"output":1}]',
    "prediction_output_infinite": '"inputs":[41],"sources":[[2,0]],"output":1e999}]',
    "prediction_output_deep": f'"inputs":[41],"sources":[[2,0]],"output":{"[" * 40}{"]" * 40}}}]',
    "prediction_assignment_infinite": '"inputs":[41],"sources":[[2,0]],"output":1,"assignment":{"p":1e999}}]',
    "prediction_input_lone_surrogate": '"inputs":["\\ud800"],"sources":[[2,0]],"output":1}]',
}.items():
    text(_reason, "a value that JSON or UTF-8 cannot hold", "predictions_recorded@1", _prediction + _rest, served)
