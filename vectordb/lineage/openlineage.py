"""OpenLineage: the runs of a ledger as the events of that standard, for the tools that collect them.

Every event of the log that made something of something is a run that is complete: a write that says what it was derived
from, a fit, a training set, predictions. Datasets are views, ``pipeline.<service>``, ``training_set.<name>`` and
``prediction.<service>``; the version of a dataset is an offset. Source: the specification 2-0-2 at openlineage.io
(RunEvent), and its facets schema 1-1-1, version 1-0-1, columnLineage 1-2-0 and jobType 2-0-3. A run has one event,
COMPLETE: it was over when the log learnt of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import NAMESPACE_URL, UUID, uuid5

from ledger import (
    Event,
    Fact,
    PipelineFitted,
    PredictionsRecorded,
    TrainingSetRecorded,
    from_micros,
)
from vectordb.lineage.datasets import Output, output_of_fit, output_of_predictions, output_of_set, outputs_of_rows
from vectordb.lineage.links import Links
from vectordb.lineage.nodes import Node

PRODUCER: Final = "urn:vectordb:lineage"
SPEC: Final = "https://openlineage.io/spec"
RUN_EVENT: Final = f"{SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
FACETS: Final = {
    "schema": f"{SPEC}/facets/1-1-1/SchemaDatasetFacet.json#/$defs/SchemaDatasetFacet",
    "version": f"{SPEC}/facets/1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet",
    "columnLineage": f"{SPEC}/facets/1-2-0/ColumnLineageDatasetFacet.json#/$defs/ColumnLineageDatasetFacet",
    "jobType": f"{SPEC}/facets/2-0-3/JobTypeJobFacet.json#/$defs/JobTypeJobFacet",
}


def runs_of(links: Links, nodes: Iterable[Node]) -> list[int]:
    """The offsets of the runs that made some of these nodes; a prediction that was erased tells of none."""
    made, declares = {"prediction", "pipeline", "training_set"}, links.state.lineage.declares
    there = [node for node in nodes if node.kind in made and node.status == "present"]
    return sorted({*(node.offset for node in there), *(node.offset for node in nodes if declares(node.offset))})


def all_runs(links: Links, start: int) -> list[int]:
    """The offsets of all runs, from one on."""
    state, limit = links.state, links.limit
    shelves: list[Any] = [*state.catalog.pipelines, *state.catalog.training_sets]
    defined = [offset for offset, _ in shelves if start <= offset <= limit]
    return sorted({*state.lineage.declared(start, limit), *state.predictions.after(start - 1, limit), *defined})


def run_events(links: Links, offsets: Sequence[int], producer: str) -> list[dict[str, Any]]:
    """The run event of each offset; none of one of which nothing is left."""
    writer = _Writer(links, producer)
    return [event for offset in offsets if (event := writer.event(offset)) is not None]


class _Writer:
    """Writes run events of one ledger for one producer."""

    def __init__(self, links: Links, producer: str) -> None:
        ledger = links.state.log.header.ledger_id
        self._links = links
        self._producer = producer
        self._namespace = f"vectordb://{ledger}"
        self._runs: UUID = uuid5(NAMESPACE_URL, self._namespace)

    def event(self, offset: int) -> dict[str, Any] | None:
        """The run event of an offset; None where nothing is left to tell, or a pipeline came with its service."""
        found = self._links.state.log.event(offset)
        outputs = self._outputs(found)
        if not outputs:
            return None
        inputs = {name: version for output in outputs for name, version in output.inputs.items()}
        schemas = {name: fields for output in outputs for name, fields in output.schemas.items()}
        return {
            "eventType": "COMPLETE",
            "eventTime": from_micros(found.time).isoformat(),
            "run": {"runId": str(uuid5(self._runs, str(offset)))},
            "job": self._job(outputs[0].job),
            "inputs": [self._dataset(name, version, schemas[name]) for name, version in inputs.items()],
            "outputs": [self._output(output, offset) for output in outputs],
            "producer": self._producer,
            "schemaURL": RUN_EVENT,
        }

    def _outputs(self, event: Event) -> list[Output]:
        fact: Fact = event.fact
        if isinstance(fact, PipelineFitted):
            return [output_of_fit(self._links, fact.fitted)]
        if isinstance(fact, TrainingSetRecorded):
            return [output_of_set(self._links, fact.record)]
        if isinstance(fact, PredictionsRecorded):
            return [output_of_predictions(self._links, fact)]
        return outputs_of_rows(self._links, event)

    def _job(self, name: str) -> dict[str, Any]:
        kind = self._facet("jobType", processingType="BATCH", integration="VECTORDB", jobType="JOB")
        return {"namespace": self._namespace, "name": name, "facets": {"jobType": kind}}

    def _dataset(self, name: str, version: int, fields: dict[str, str]) -> dict[str, Any]:
        shown = [{"name": field, "type": kind} for field, kind in fields.items()]
        facets = {
            "schema": self._facet("schema", fields=shown),
            "version": self._facet("version", datasetVersion=str(version)),
        }
        return {"namespace": self._namespace, "name": name, "facets": facets}

    def _output(self, output: Output, offset: int) -> dict[str, Any]:
        data = self._dataset(output.name, offset, output.fields)
        how = {"type": "DIRECT", "subtype": output.subtype, "description": output.description, "masking": False}
        each = {field: {"inputFields": self._inputs(pairs, how)} for field, pairs in output.columns.items()}
        lineage: dict[str, Any] = {"fields": each}
        if output.whole:
            lineage["dataset"] = self._inputs(output.whole, {**how, "type": "INDIRECT", "subtype": "CONDITIONAL"})
        data["facets"]["columnLineage"] = self._facet("columnLineage", **lineage)
        return data

    def _inputs(self, pairs: Sequence[tuple[str, str]], how: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            {"namespace": self._namespace, "name": name, "field": field, "transformations": [how]}
            for name, field in pairs
        ]

    def _facet(self, kind: str, **fields: Any) -> dict[str, Any]:
        return {"_producer": self._producer, "_schemaURL": FACETS[kind], **fields}
