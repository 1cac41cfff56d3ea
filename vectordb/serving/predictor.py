"""A predictor: fetch, transform, assign, predict, record; one callable for use inside any model server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from ledger import Entity, InvalidInput
from vectordb.database import VectorDB
from vectordb.experiments import Assignment, Experiment, LiveExperiment
from vectordb.matrix import FeatureMatrix
from vectordb.reader import Reader
from vectordb.service import ServedRow, Service
from vectordb.serving.model_input import read_model_input
from vectordb.serving.served import Served
from vectordb.serving.served_model import ModelLike, ServedModel, make_model
from vectordb.transformed_row import inputs_of

TRIES: Final = 3
UnitOf = Callable[[ServedRow], Entity]


class Predictor:
    """A service, a model and maybe an experiment as one callable: ``predictor("d-7")``, ``predictor.many(ids)``.

    ``model`` is a callable of the row that the service gives (of a ``FeatureMatrix``, giving one output a row, where
    ``batched``), or the name of a model that is data; with an experiment also a mapping of its arms to those, in which
    units without an arm get the first arm's, the control. ``unit`` says what is assigned: the name of a kind of entity
    of the service, or a callable of the row; by default the entity of the experiment's kind of unit, else the first.
    ``record`` writes predictions and ``expose`` exposures (once a unit), after the model has answered. ``label`` names
    a callable in records. Errors of the model pass through, and then nothing is written.

    Cost beside the model: 6 us, 10 us with an experiment; 0.2 to 0.4 ms where a prediction of ten features is recorded.

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
        self._models = self._arms(model, label, batched)
        self._default = next(iter(self._models.values()))
        self._single = len(self._models) == 1 and "" in self._models
        self.record = record
        self.expose = (record if expose is None else expose) and self.experiment is not None
        if self.records and not isinstance(db, VectorDB):
            raise InvalidInput("a past is not written to: record=False serves it", record=record, expose=self.expose)

    def _arms(
        self, model: ModelLike | Mapping[str, ModelLike], label: str | None, batched: bool
    ) -> dict[str, ServedModel]:
        if not isinstance(model, Mapping):
            return {"": make_model(self._db, model, label, batched)}
        arms = {} if self.experiment is None else self.experiment.arms
        if not arms or set(model) != set(arms):
            raise InvalidInput("models by arm name every arm of the experiment", arms=list(arms), given=list(model))
        named = {arm: None if label is None else f"{label}-{arm}" for arm in arms}
        return {arm: make_model(self._db, model[arm], named[arm], batched) for arm in arms}

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

    def __call__(self, entity: Any, *, request: Mapping[str, Any] | None = None, **meta: Any) -> Served:
        """Predict for one entity, or one of each kind. ``meta`` (``actor``, ``correlation``) goes with what is written.

        An experiment that is changed between the assignment and its exposure is asked again.
        """
        if self._single and self._default.batched:
            rows = {kind: [one] for kind, one in entity.items()} if isinstance(entity, Mapping) else [entity]
            columns = None if request is None else {name: [value] for name, value in request.items()}
            return self.many(rows, request=columns, **meta)[0]
        row = self.service.get(entity, request=request)
        if self._unit_of is None:
            output = self._default.ask(row)
            return self._served(row, self._default, output, None, meta)
        assert self.experiment is not None
        unit = self._unit_of(row)
        for last in range(TRIES - 1, -1, -1):
            assignment = self.experiment.assign(unit)
            model = self._model_for(assignment)
            output = model.outputs(self._read_again([row]))[0] if model.batched else model.ask(row)
            if not self.expose or self._exposed([assignment], meta, strict=not last):
                return self._served(row, model, output, assignment, meta)
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

    def _model_for(self, assignment: Assignment) -> ServedModel:
        return self._models.get(assignment.arm or "", self._default)

    def _served(
        self, row: ServedRow, model: ServedModel, output: Any, assignment: Assignment | None, meta: dict[str, Any]
    ) -> Served:
        if not self.record:
            return Served(output, model.label, row, assignment, None)
        assert isinstance(self._db, VectorDB)
        found = self._db.record_prediction(row, model=model.label, output=output, assignment=assignment, **meta)
        return Served(output, model.label, row, assignment, found.id)

    # -- many ------------------------------------------------------------------------------------------------

    def many(
        self,
        entities: Iterable[Any] | Mapping[str, Sequence[Any]],
        *,
        request: Mapping[str, Sequence[Any]] | None = None,
        **meta: Any,
    ) -> list[Served]:
        """Predict for many, in their order, from one read; exposures are one event, predictions one for each model."""
        matrix = self.service.get_many(entities, request=request)
        if not len(matrix):
            return []
        if self._unit_of is None:
            return self._recorded(matrix, [(self._default, range(len(matrix)))], [None] * len(matrix), meta)
        assert self.experiment is not None
        units = list(map(self._unit_of, matrix.rows))
        for last in range(TRIES - 1, -1, -1):
            assignments = self.experiment.assign_many(units)
            found = self._recorded(matrix, self._groups(assignments), assignments, meta, strict=not last)
            if found:
                return found
        raise AssertionError("the last try is strict")

    def _groups(self, assignments: Sequence[Assignment]) -> list[tuple[ServedModel, Sequence[int]]]:
        """The places of the rows that each model is asked for."""
        if self._single:
            return [(self._default, range(len(assignments)))]
        places: dict[str, list[int]] = {}
        for place, assignment in enumerate(assignments):
            places.setdefault(self._model_for(assignment).label, []).append(place)
        return [(model, places[model.label]) for model in self._distinct() if model.label in places]

    def _distinct(self) -> list[ServedModel]:
        return list({model.label: model for model in self._models.values()}.values())

    def _recorded(
        self,
        matrix: FeatureMatrix,
        groups: list[tuple[ServedModel, Sequence[int]]],
        assignments: Sequence[Assignment | None],
        meta: dict[str, Any],
        strict: bool = True,
    ) -> list[Served]:
        """Ask, then record; nothing where the experiment has moved on meanwhile."""
        asked = [model.outputs(self._picked(matrix, places, model)) for model, places in groups]
        if self.expose and not self._exposed(assignments, meta, strict):
            return []
        rows = matrix.rows
        served: dict[int, Served] = {}
        for (model, places), outputs in zip(groups, asked):
            own = [assignments[place] for place in places]
            ids = self._record([rows[place] for place in places], model, outputs, own, meta)
            for place, output, found in zip(places, outputs, ids):
                served[place] = Served(output, model.label, rows[place], assignments[place], found)
        return [served[place] for place in range(len(matrix))]

    def _record(
        self,
        rows: Sequence[ServedRow],
        model: ServedModel,
        outputs: Sequence[Any],
        assignments: Sequence[Assignment | None],
        meta: dict[str, Any],
    ) -> Sequence[str | None]:
        if not self.record:
            return [None] * len(rows)
        assert isinstance(self._db, VectorDB)
        found = self._db.record_predictions(rows, model=model.label, outputs=outputs, assignments=assignments, **meta)
        return [prediction.id for prediction in found]

    def _exposed(self, assignments: Sequence[Assignment | None], meta: dict[str, Any], strict: bool) -> bool:
        """Record exposures; False where the log now holds other arms than the model was asked for."""
        assert isinstance(self.experiment, LiveExperiment)
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
        models = ", ".join(model.label for model in self._distinct())
        experiment = "" if self.experiment is None else f", experiment={self.experiment.name!r}"
        return f"Predictor({self.service.definition.label}, {models}{experiment}, record={self.record})"


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
