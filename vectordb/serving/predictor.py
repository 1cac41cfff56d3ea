"""A predictor: fetch, transform, assign, predict, record; one callable for use inside any model server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, Final, NamedTuple

from ledger import Entity, InvalidInput, check_plain
from vectordb.batches.matrix import FeatureMatrix
from vectordb.database import VectorDB
from vectordb.experiments import Assignment, Experiment, LiveExperiment
from vectordb.pipelines.transformed_row import inputs_of
from vectordb.reader import Reader
from vectordb.services.service import ServedRow, Service
from vectordb.serving.arms import make_arms
from vectordb.serving.model_input import read_model_input
from vectordb.serving.served import Served
from vectordb.serving.served_model import ModelLike, ServedModel

TRIES: Final = 3
UnitOf = Callable[[ServedRow], Entity]


class Predictor:
    """A service, a model and maybe an experiment as one callable: ``predictor("d-7")``, ``predictor.many(ids)``.

    ``model`` is a callable of the row that the service gives (of a ``FeatureMatrix``, giving one output a row, where
    ``batched``), or the name of a model that is data; with an experiment also a mapping of its arms to those, in which
    units without an arm get the first arm's, the control. ``unit`` says what is assigned: the name of a kind of entity
    of the service, or a callable of the row; by default the entity of the experiment's kind of unit, else the first.
    ``record`` writes predictions and ``expose`` exposures (once a unit), after the model has answered: two events, the
    exposure first. ``label`` names a callable in records. Errors of the model pass through, and then nothing is
    written; nor is where the output is no plain data.

    Cost beside the model: 3 us, 5 us with an experiment; 45 us where a prediction of ten features is recorded, 80 us
    with its exposure.

    >>> from vectordb import Int, VectorDB
    >>> db = VectorDB()
    >>> drivers = db.create_view("drivers", entity="driver", features={"trips": Int(default=0)})
    >>> receipt = drivers.put("d-7", {"trips": 12})
    >>> ranker = db.create_service("ranker", features=["drivers:trips"])
    >>> predictor = Predictor(db, "ranker", lambda row: row["trips"] * 0.5, label="half@1")
    >>> served = predictor("d-7")
    >>> served.output, served.prediction, db.reproduce(served.prediction).inputs
    (6.0, 'ranker/d-7@4', True)
    """

    def __init__(
        self,
        db: Reader,
        service: str,
        model: ModelLike | Mapping[str, ModelLike],
        *,
        experiment: str | None = None,
        unit: str | UnitOf | None = None,
        record: bool = True,
        expose: bool | None = None,
        label: str | None = None,
        batched: bool = False,
    ) -> None:
        self._db = db
        self._said = (model, experiment, unit, label, batched)
        self.service: Service = db.service(service)
        self.experiment: Experiment | None = None if experiment is None else db.experiment(experiment)
        self._unit_of = None if self.experiment is None else unit_reader(self.service, self.experiment, unit)
        self._arms = make_arms(db, self.experiment, model, label, batched)
        self.record = record
        self.expose = (record if expose is None else expose) and self.experiment is not None
        if self.records and not isinstance(db, VectorDB):
            raise InvalidInput("a past is not written to: record=False serves it", record=record, expose=self.expose)

    @property
    def records(self) -> bool:
        """Whether it writes."""
        return self.record or self.expose

    def on(self, reader: Reader) -> Predictor:
        """The same over a past, which records nothing."""
        model, experiment, unit, label, batched = self._said
        options: dict[str, Any] = {"experiment": experiment, "unit": unit, "label": label, "batched": batched}
        return Predictor(reader, self.service.name, model, record=False, **options)

    # -- one -------------------------------------------------------------------------------------------------

    def __call__(
        self,
        entity: Any,
        *,
        request: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
        **meta: Any,
    ) -> Served:
        """Predict for one entity, or one of each kind. ``meta`` (``actor``, ``correlation``) goes with what is written.

        An experiment that is changed between the assignment and its exposure is asked again. A retry with the same
        ``idempotency_key``, inputs and output has the id of the prediction that is there, and writes nothing.
        """
        said = Said(idempotency_key, meta)
        if self._arms.single and self._arms.default.batched:
            rows = {kind: [one] for kind, one in entity.items()} if isinstance(entity, Mapping) else [entity]
            columns = None if request is None else {name: [value] for name, value in request.items()}
            return self.many(rows, request=columns, idempotency_key=idempotency_key, **meta)[0]
        row = self.service.get(entity, request=request)
        if self._unit_of is None:
            model = self._arms.default
            return self._served(row, model, model.ask(row), None, said)
        assert self.experiment is not None
        unit = self._unit_of(row)
        for last in range(TRIES - 1, -1, -1):
            assignment = self.experiment.assign(unit)
            model = self._arms.of(assignment)
            output = model.outputs(self._read_again([row]))[0] if model.batched else model.ask(row)
            if not self.expose or self._exposed([assignment], [output], meta, strict=not last):
                return self._served(row, model, output, assignment, said)
        raise AssertionError("the last try is strict")

    def _read_again(self, rows: Sequence[ServedRow]) -> FeatureMatrix:
        """Some rows of one read as a matrix of their own, for a batched model of one arm."""
        kinds, requests = self.service.entity_kinds, [request_of(row) for row in rows]
        ids = {kind: [row.entities[place] for row in rows] for place, kind in enumerate(kinds)}
        request = {name: [one[name] for one in requests] for name in requests[0]}
        past = self._db.pinned(rows[0].as_of, rows[0].at_micros)
        return Service(past, self.service.name).get_many(ids, request=request or None)

    def _picked(self, matrix: FeatureMatrix, places: Sequence[int], model: ServedModel) -> Any:
        """Some rows of a matrix, as the model takes them."""
        if len(places) == len(matrix):
            return matrix
        rows = Rows([matrix.rows[place] for place in places])
        return self._read_again(rows) if model.batched else rows

    def _served(
        self, row: ServedRow, model: ServedModel, output: Any, assignment: Assignment | None, said: Said
    ) -> Served:
        found = self._record([row], model, [output], [assignment], said)[0] if self.record else None
        return Served(output, model.label, row, assignment, found)

    # -- many ------------------------------------------------------------------------------------------------

    def many(
        self,
        entities: Iterable[Any] | Mapping[str, Sequence[Any]],
        *,
        request: Mapping[str, Sequence[Any]] | None = None,
        idempotency_key: str | None = None,
        **meta: Any,
    ) -> list[Served]:
        """Predict for many, in their order, from one read; exposures are one event, predictions one for each model."""
        matrix = self.service.get_many(entities, request=request)
        if not len(matrix):
            return []
        said = Said(idempotency_key, meta)
        if self._unit_of is None:
            return self._recorded(matrix, [None] * len(matrix), said)
        assert self.experiment is not None
        units = list(map(self._unit_of, matrix.rows))
        for last in range(TRIES - 1, -1, -1):
            found = self._recorded(matrix, self.experiment.assign_many(units), said, strict=not last)
            if found:
                return found
        raise AssertionError("the last try is strict")

    def _recorded(
        self, matrix: FeatureMatrix, assignments: Sequence[Assignment | None], said: Said, strict: bool = True
    ) -> list[Served]:
        """Ask, then record; nothing where the experiment has moved on meanwhile."""
        groups = self._arms.groups(assignments)
        asked = [model.outputs(self._picked(matrix, places, model)) for model, places in groups]
        if self.expose and not self._exposed(assignments, chain.from_iterable(asked), said.meta, strict):
            return []
        rows = matrix.rows
        served: dict[int, Served] = {}
        for (model, places), outputs in zip(groups, asked):
            own, read = [assignments[place] for place in places], [rows[place] for place in places]
            kept = said if len(groups) == 1 else said.of(model)
            ids = self._record(read, model, outputs, own, kept) if self.record else [None] * len(read)
            for place, output, found in zip(places, outputs, ids):
                served[place] = Served(output, model.label, rows[place], assignments[place], found)
        return [served[place] for place in range(len(matrix))]

    def _record(
        self,
        rows: Sequence[ServedRow],
        model: ServedModel,
        outputs: Sequence[Any],
        assignments: Sequence[Assignment | None],
        said: Said,
    ) -> Sequence[str | None]:
        assert isinstance(self._db, VectorDB)
        found = self._db.record_predictions(
            rows,
            model=model.label,
            outputs=outputs,
            assignments=assignments,
            idempotency_key=said.key,
            **said.meta,
        )
        return [prediction.id for prediction in found]

    def _exposed(
        self, assignments: Sequence[Assignment | None], outputs: Iterable[Any], meta: dict[str, Any], strict: bool
    ) -> bool:
        """Record exposures; False where the log now holds other arms than the model was asked for.

        What no prediction could record is refused before: no exposure to what was never served.
        """
        assert isinstance(self.experiment, LiveExperiment)
        if self.record:
            for output in outputs:
                check_plain(output, "an output")
        given = [one for one in assignments if one is not None]
        if len(given) == 1:
            stands = [self._expose_one(self.experiment, given[0], meta, strict)]
        else:
            stands = list(self.experiment.expose_many([one.unit for one in given], **meta))
        if [one and one.arm for one in stands] == [one.arm for one in given]:
            return True
        if strict:
            raise InvalidInput("an experiment stands still for a prediction", experiment=self.experiment.name)
        return False

    def _expose_one(
        self, experiment: LiveExperiment, assignment: Assignment, meta: dict[str, Any], strict: bool
    ) -> Assignment | None:
        if assignment.arm is None:
            return assignment
        try:
            return experiment.expose(assignment.unit, assignment, **meta)
        except InvalidInput:
            if strict or experiment.version == assignment.version:
                raise
            return None

    # -- MLflow ----------------------------------------------------------------------------------------------

    def load_context(self, context: Any) -> None:
        """MLflow's hook: there is nothing to load, the database is there. ``LedgerModel`` opens one from artifacts."""

    def predict(self, context: Any, model_input: Any, params: Mapping[str, Any] | None = None) -> list[Any]:
        """MLflow's pyfunc call: one output for each row of ``model_input``.

        That is a data frame, columns by name, or a list of mappings, with a column for each kind of entity and each
        request input of the service; or entity ids alone. ``params`` may hold ``as_of``, an offset to predict as of.
        """
        asked = dict(params or {})
        predictor = self if asked.get("as_of") is None else self.on(self._db.as_of(asked["as_of"]))
        if asked.keys() - {"as_of"}:
            raise InvalidInput("params of a prediction are known", given=sorted(asked), known=["as_of"])
        entities, request = read_model_input(self.service, model_input)
        return [served.output for served in predictor.many(entities, request=request)]

    def __repr__(self) -> str:
        models = ", ".join(model.label for model in self._arms.distinct())
        experiment = "" if self.experiment is None else f", experiment={self.experiment.name!r}"
        return f"Predictor({self.service.definition.label}, {models}{experiment}, record={self.record})"


class Said(NamedTuple):
    """What a caller says of what is written: an idempotency key, and the meta of its events."""

    key: str | None
    meta: dict[str, Any]

    def of(self, model: ServedModel) -> Said:
        """The same for the event of one of several models."""
        return self if self.key is None else self._replace(key=f"{self.key} {model.label}")


class Rows(list[Any]):
    """Rows where a model that takes one at a time is asked for some of a matrix."""

    @property
    def rows(self) -> Rows:
        """As of a matrix."""
        return self


def request_of(row: ServedRow) -> dict[str, Any]:
    """The request inputs of a row, as they would be given again."""
    inputs = inputs_of(row)
    return {name: inputs[name] for name in inputs.request}


def unit_reader(service: Service, experiment: Experiment, unit: str | UnitOf | None) -> UnitOf:
    """What gives the unit of a row."""
    if callable(unit):
        return unit
    kinds = service.entity_kinds
    wanted = unit or (experiment.definition.unit if experiment.definition.unit in kinds else kinds[0])
    if wanted not in kinds:
        raise InvalidInput("a unit is an entity that the service reads", unit=unit, known=list(kinds))
    place = kinds.index(wanted)
    return lambda row: row.entities[place]
