"""The Open Inference Protocol v2 (KServe, Triton): a model is a feature service, or a predictor by name.

Inputs are a tensor for each kind of entity, named as the kind (BYTES or whole numbers, [n] or [n, 1]; [n, k] for ids
that are tuples), and for each request input of the service. Outputs are the features, or what the pipeline made of
them; of a predictor ``output``, ``arm`` and ``prediction``. Versions are those of services.
"""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

from ledger import (
    Entity,
    FeatureRef,
    FeatureType,
    NotFitted,
    Request,
    UnknownName,
    VectorDBError,
    entity_from_json,
)
from vectordb.reader import Reader
from vectordb.release import RELEASE
from vectordb.services.service import Service
from vectordb.serving.call import Call
from vectordb.serving.fields import Fields
from vectordb.serving.outputs import datatype_of, served_tensors, tail_of, tensors_of
from vectordb.serving.predictor import Predictor
from vectordb.serving.refusal import BadRequest, PartFailed
from vectordb.serving.response import Response, json_response
from vectordb.serving.served import Served
from vectordb.serving.strict_json import parse_json
from vectordb.serving.tensors import Binary, Tensor, read_tensor

HEADER: Final = "inference-header-content-length"
VERSION: Final = re.compile(r"[1-9][0-9]{0,8}\Z")
IDS: Final = re.compile(r"BYTES|U?INT(8|16|32|64)")
MOST_INPUTS: Final = 1_000


class Bound(NamedTuple):
    """A model as it is asked: its service, and the predictor that is bound to its name, if any."""

    service: Service
    predictor: Predictor | None


def server(call: Call) -> Response:
    """What this is."""
    return json_response({"name": "vectordb", "version": RELEASE, "extensions": ["binary_tensor_data"]})


def live(call: Call) -> Response:
    """That it answers."""
    return json_response({"live": True})


def ready(call: Call) -> Response:
    """Whether it answers; 400 (the protocol's 4xx) where a follower cannot read its file, or writes are shut."""
    db = call.db
    db.consistently(lambda: db.as_of_offset)
    good = call.app.condition == "ok"
    return json_response({"ready": good}, 200 if good else 400)


def model_ready(call: Call) -> Response:
    """Whether a model can be asked: 400 while its pipeline is not fitted."""
    bound = _bound(call, call.reader)
    name = call.names["model"]
    good = bound.service.definition.pipeline is None or bound.service.fitted is not None
    return json_response({"name": name, "ready": good}, 200 if good else 400)


def model(call: Call) -> Response:
    """A model's inputs and outputs."""
    reader = call.reader
    bound = _bound(call, reader)
    service = bound.service
    inputs = [{"name": kind, "datatype": "BYTES", "shape": [-1]} for kind in service.entity_kinds]
    inputs += [_said(name, kind) for name, kind in _requests(service).items()]
    if bound.predictor is not None:
        outputs = [{"name": "output", "datatype": "FP64", "shape": [-1]}]
        names = ["arm"] * (bound.predictor.experiment is not None) + ["prediction"] * bound.predictor.record
        outputs += [{"name": name, "datatype": "BYTES", "shape": [-1]} for name in names]
    elif service.definition.pipeline is not None:
        outputs = [{"name": name, "datatype": "FP64", "shape": [-1]} for name in _made(reader, service)]
    else:
        outputs = [_said(name, kind) for name, kind in _kinds(reader, service).items()]
    versions = [str(number) for number in range(1, service.version + 1)]
    body = {"name": call.names["model"], "versions": versions, "platform": "vectordb", "inputs": inputs}
    return json_response({**body, "outputs": outputs})


def infer(call: Call) -> Response:
    """Read the inputs of entities, or predict for them."""
    body, binary = _parts(call)
    identity = body.text("id", None)
    parameters = Fields(body.object("parameters", {}), "the parameters")
    parameters.flag("binary_data_output", None)
    reader, at = call.reader_of(parameters), call.at_of(parameters)
    parameters.done()
    bound = _bound(call, reader)
    items = body.items("inputs", MOST_INPUTS)
    wanted = body.items("outputs", MOST_INPUTS, None)
    body.done()
    tensors = {tensor.name: tensor for tensor in (read_tensor(item, binary, call.limits.batch) for item in items)}
    binary.done()
    ids, request = _columns(bound.service, tensors, len(items))
    call.count(len(next(iter(ids.values()))), len(bound.service.features))
    outputs, read = _outputs(call, reader, bound, ids, request, at)
    answer: dict[str, Any] = {"model_name": call.names["model"], "model_version": str(bound.service.version)}
    if identity is not None:
        answer["id"] = identity
    picked = outputs if wanted is None else _picked(outputs, wanted)
    return json_response({**answer, "parameters": read, "outputs": [tensor.to_json() for tensor in picked]})


# -- the model ---------------------------------------------------------------------------------------------------


def _bound(call: Call, reader: Reader) -> Bound:
    name, asked = call.names["model"], call.names.get("version", "")
    number = int(asked) if VERSION.match(asked) else None
    if asked and number is None:
        raise UnknownName("a version of a model is a whole number from 1", version=asked[:40])
    predictor = call.app.predictors.get(name)
    if predictor is None:
        return Bound(Service(reader, name, number), None)
    if number not in (None, predictor.service.version):
        raise UnknownName("a predictor is served in its own version", model=name, version=predictor.service.version)
    return Bound(predictor.service, predictor)


def _requests(service: Service) -> dict[str, FeatureType]:
    return {item.name: item.type for item in service.definition.features if isinstance(item, Request)}


def _kinds(reader: Reader, service: Service) -> dict[str, FeatureType]:
    """The type of every input of a service."""
    definition = service.definition
    return {
        key: reader.view(item.view).definition.features[item.feature] if isinstance(item, FeatureRef) else item.type
        for key, item in zip(definition.keys, definition.features)
    }


def _made(reader: Reader, service: Service) -> tuple[str, ...]:
    """The names of what a pipeline makes; none before it is fitted."""
    try:
        return tuple(reader.consistently(lambda: service._plan().applied.names))
    except NotFitted:
        return ()


def _said(name: str, kind: FeatureType) -> dict[str, Any]:
    return {"name": name, "datatype": datatype_of(kind), "shape": [-1, *tail_of(kind)]}


# -- a request ---------------------------------------------------------------------------------------------------


def _parts(call: Call) -> tuple[Fields, Binary]:
    """The JSON of a request, and the binary data behind it."""
    length = call.request.headers.get(HEADER)
    if length is None:
        return call.body, Binary(b"")
    raw = call.raw_body
    if not length.isascii() or not length.isdecimal() or len(length) > 15 or int(length) > len(raw):
        raise BadRequest("the length of the JSON is within the body", given=length[:40])
    return Fields(parse_json(raw[: int(length)], call.limits.depth)), Binary(raw[int(length) :])


def _columns(
    service: Service, tensors: dict[str, Tensor], given: int
) -> tuple[dict[str, list[Entity]], dict[str, list[Any]]]:
    """Entities by kind, and request inputs."""
    kinds, requests = service.entity_kinds, _requests(service)
    unknown, missing = tensors.keys() - set(kinds) - set(requests), set(kinds) - tensors.keys()
    if unknown or missing or len(tensors) != given:
        rule = "inputs are the service's entities and request inputs, once each"
        raise BadRequest(rule, entities=list(kinds), requests=sorted(requests))
    if len({tensor.shape[0] for tensor in tensors.values()}) != 1:
        raise BadRequest("inputs are equally long", shapes={name: list(one.shape) for name, one in tensors.items()})
    ids = {kind: _ids(tensors[kind]) for kind in kinds}
    request = {name: tensors[name].rows() for name in requests if name in tensors}
    return ids, request


def _ids(tensor: Tensor) -> list[Entity]:
    if not IDS.match(tensor.datatype) or len(tensor.shape) > 2:
        raise BadRequest("entities are BYTES or whole numbers", name=tensor.name, datatype=tensor.datatype)
    return [entity_from_json(one) for one in tensor.rows()]


def _outputs(
    call: Call, reader: Reader, bound: Bound, ids: dict[str, list[Entity]], request: dict[str, list[Any]], at: Any
) -> tuple[list[Tensor], dict[str, Any]]:
    """What is answered, and what was read."""
    predictor = bound.predictor
    if predictor is None:
        matrix = bound.service.get_many(ids, request=request or None, at=at)
        kinds = {} if bound.service.definition.pipeline is not None else _kinds(reader, bound.service)
        return tensors_of(matrix, kinds), {"as_of": matrix.as_of, "at": matrix.at, "service": matrix.label}
    if at is not None:
        raise BadRequest("a predictor reads at its own clock")
    served, tensors = _predicted(call, predictor if reader is call.db else predictor.on(reader), ids, request)
    row = served[0].row
    return tensors, {"as_of": row.as_of, "at": row.at, "service": row.service, "model": served[0].model}


def _predicted(
    call: Call, predictor: Predictor, ids: dict[str, list[Entity]], request: dict[str, list[Any]]
) -> tuple[list[Served], list[Tensor]]:
    """What a predictor answers, and its tensors; a retry of a request is told by its key."""
    key = call.idempotency_key if predictor.record else None
    try:
        served = predictor.many(ids, request=request or None, idempotency_key=key)
        return served, served_tensors(served)
    except VectorDBError:
        raise
    except (Exception, SystemExit) as error:  # a model that calls sys.exit ends its answer, not the server
        raise PartFailed("the model") from error


def _picked(outputs: list[Tensor], wanted: list[Any]) -> list[Tensor]:
    """The outputs that a request names."""
    known = {tensor.name: tensor for tensor in outputs}
    found = []
    for item in wanted:
        fields = Fields(item, "an output")
        name = fields.text("name")
        fields.object("parameters", None)
        fields.done()
        if name not in known:
            raise BadRequest("a requested output is one of the model's, once", name=name, known=sorted(known))
        found.append(known.pop(name))
    return found
