"""Experiments, exposures and outcomes that no writer wrote, their digests right."""

from __future__ import annotations

from typing import Any

from tests.replay.broken_ledger import Sealed
from tests.replay.damaged_definitions import event, text
from tests.replay.damaged_pipelines import DEFINITIONS  # and those before

__all__ = ["DEFINITIONS"]

ARMS = [["control", 0.5], ["treatment", 0.5]]
METRICS = [["purchase", {"aggregate": "sum", "window": 3600000000}]]
TRIAL = {"name": "trial", "version": 1, "unit": "user", "arms": ARMS, "traffic": 1.0, "metrics": METRICS}
EXPOSURES = {"experiment": "trial@1", "exposures": [["ann", "control", "split", 0.5]]}
OUTCOMES = {"experiment": "trial@1", "outcomes": [["ann", "purchase", 12.5]]}


def tried(sealed: Sealed) -> None:
    sealed.event("experiment_defined@1", {"definition": TRIAL})


def changed(**changes: Any) -> dict[str, Any]:
    """A definition with some fields changed, in the order in which a writer words it."""
    definition = {**TRIAL, **changes}
    return {"definition": {name: definition[name] for name in sorted(definition, key="metrics".__eq__)}}


def restarted(sealed: Sealed) -> None:
    sealed.event("experiment_defined@1", changed(bucket_version=2))


def experiment(reason: str, why: str, before: Any = None, **changes: Any) -> None:
    event(f"experiment_{reason}", why, "experiment_defined@1", changed(**changes), before)


def exposures(reason: str, why: str, *rows: Any, **changes: Any) -> None:
    fields = {**EXPOSURES, **({"exposures": list(rows)} if rows else {}), **changes}
    event(f"exposures_{reason}", why, "exposures_recorded@1", fields, tried)


def outcomes(reason: str, why: str, *rows: Any, **changes: Any) -> None:
    fields = {**OUTCOMES, **({"outcomes": list(rows)} if rows else {}), **changes}
    event(f"outcomes_{reason}", why, "outcomes_recorded@1", fields, tried)


experiment("version_out_of_turn", "an experiment's first version is 2", version=2)
experiment("version_again", "a version that is there already", tried)
experiment("version_zero", "versions count from 1", version=0)
experiment("name_malformed", "a name with a space", name="a trial")
experiment("unit_malformed", "a kind of unit with a space", unit="a user")
experiment("unit_changed", "another kind of unit than before", tried, version=2, unit="driver")
experiment("unknown_field", "a definition with an unknown field", colour="red")
experiment("without_arms", "an experiment of no arms", arms=[])
experiment("arms_not_pairs", "arms without their weights", arms=["control", "treatment"])
experiment("arm_twice", "an arm defined twice", arms=[["control", 0.5], ["control", 0.5]])
experiment("arm_malformed", "an arm with a space", arms=[["an arm", 1.0]])
experiment("weights_not_one", "weights that sum to 0.9", arms=[["control", 0.5], ["treatment", 0.4]])
experiment("weight_negative", "a negative weight", arms=[["control", 1.5], ["treatment", -0.5]])
experiment("weight_an_int", "a weight that is no float", arms=[["control", 1]])
experiment("traffic_negative", "a negative share of traffic", traffic=-0.1)
experiment("traffic_above_one", "more traffic than there is", traffic=1.5)
experiment("traffic_an_int", "a share of traffic that is no float", traffic=1)
experiment("layer_without_share", "a layer and no share of it", layer="home")
experiment("share_without_layer", "a share of no layer", share=0.5)
experiment("share_of_half_a_segment", "a share of 1.5 segments", layer="home", share=0.00015)
experiment("holdout_without_share", "a holdout of nobody", holdout="year")
experiment("forced_to_no_arm", "a unit forced into an arm that is not there", forced=[["ann", "placebo"]])
experiment("forced_twice", "a unit forced twice", forced=[["ann", "control"], ["ann", "treatment"]])
experiment("forced_nobody", "an arm forced on no unit", forced=[[None, "control"]])
experiment("forced_empty", "an empty list of forced units", forced=[])
experiment("where_without_view", "a filter over no view", where={"age": 3})
experiment("view_without_where", "a view and no filter", view="users")
experiment("of_an_unknown_view", "a filter over a view that nothing defined", view="items", where={})
experiment("sticky_false", "a field that is not set, written", sticky=False)
experiment("sticky_a_number", "a flag that is a number", sticky=1)
experiment("bucket_version_zero", "bucket versions count from 1", bucket_version=0)
experiment("bucket_version_back", "a bucket version that goes back", restarted, version=2)
experiment("final_while_running", "a final arm of an experiment that runs", final="control")
experiment("final_no_arm", "a final arm that is not there", running=False, final="placebo")
experiment("metric_unknown_aggregate", "an aggregate that this release lacks", metrics=[["m", {"aggregate": "median"}]])
experiment("metric_unknown_field", "a metric with an unknown field", metrics=[["m", {"aggregate": "sum", "code": "x"}]])
experiment("metric_window_zero", "a window of no time", metrics=[["m", {"aggregate": "sum", "window": 0}]])
experiment("metric_over_nothing", "a ratio over no metric", metrics=[["m", {"aggregate": "sum", "over": "n"}]])
experiment("metric_twice", "a metric defined twice", metrics=METRICS * 2)
_trial = '"definition":{"name":"trial","version":1,"unit":"user","arms":[["control",1.0]],"traffic":'
_defined = "experiment_defined@1"
text("experiment_traffic_infinite", "a share of 1e999", _defined, f"{_trial}1e999}}")
text("experiment_salt_lone_surrogate", "half of a surrogate pair", _defined, f'{_trial}1.0,"salt":"\\ud800"}}')

exposures("of_an_unknown_experiment", "an experiment that nothing defined", experiment="search@1")
exposures("of_a_later_version", "a version of an experiment that comes later", experiment="trial@2")
exposures("without_version", "an experiment without its version", experiment="trial")
exposures("of_nobody", "no exposure at all", exposures=[])
exposures("of_a_unit_twice", "a unit exposed twice", ["ann", "control", "split", 0.5], ["ann", "control", "split", 0.5])
exposures("to_an_unknown_arm", "an arm that is not there", ["ann", "placebo", "split", 0.5])
exposures("to_no_arm", "an exposure without its arm", ["ann", None, "split", 0.5])
exposures("of_no_unit", "an exposure of nobody", [None, "control", "split", 0.5])
exposures("without_reason", "an exposure without its reason", ["ann", "control", "", 0.5])
exposures("propensity_zero", "an arm chosen with probability 0", ["ann", "control", "split", 0.0])
exposures("propensity_above_one", "an arm chosen with probability 1.5", ["ann", "control", "split", 1.5])
exposures("propensity_an_int", "a probability that is no float", ["ann", "control", "split", 1])
exposures("event_time_text", "an event time that is text", event_time="2026-01-01T00:00:00Z")
exposures("unknown_field", "an event with an unknown field", session="s")

outcomes("of_an_unknown_experiment", "an experiment that nothing defined", experiment="search@1")
outcomes("of_a_later_version", "a version of an experiment that comes later", experiment="trial@2")
outcomes("of_nobody", "no outcome at all", outcomes=[])
outcomes("of_an_unknown_metric", "a metric that is not there", ["ann", "returns", 1.0])
outcomes("of_no_unit", "an outcome of nobody", ["", "purchase", 1.0])
outcomes("value_an_int", "a value that is no float", ["ann", "purchase", 1])
outcomes("value_a_bool", "a value that is a bool", ["ann", "purchase", True])
outcomes("value_null", "a value that is null", ["ann", "purchase", None])
outcomes("time_a_float", "an event time that is a float", ["ann", "purchase", 1.0, 0.5])
outcomes("row_too_long", "an outcome of five cells", ["ann", "purchase", 1.0, 5, 6])
outcomes("derived_from_later", "a source that comes later", derived_from=[[9, 0]])
_outcome = '"experiment":"trial@1","outcomes":[["ann","purchase",1e999]]'
text("outcomes_value_infinite", "a value of 1e999", "outcomes_recorded@1", _outcome, tried)
