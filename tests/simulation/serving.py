"""A service with a pipeline as operations of a workload: defined, fitted, read at any offset, its predictions kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.simulation.compare import count_pairs
from tests.simulation.lessons import UNKNOWN, Predicted, alike
from vectordb import Erased, InvalidInput, NotFitted
from vectordb.transforms import ColumnTransformer, OfType, OneHotEncoder, Pipeline, SimpleImputer, StandardScaler

if TYPE_CHECKING:
    from tests.simulation.workload import Workload

INPUTS = (("drivers", "rate"), ("riders", "rate"), ("riders", "tier"))


def pipeline(scaled: bool) -> ColumnTransformer:
    """Gaps filled with the mean, centred, perhaps scaled; categories one-hot."""
    fill = SimpleImputer(keep_empty_features=True)
    numbers = Pipeline([("fill", fill), ("scale", StandardScaler(with_std=scaled))])
    kinds = [("fill", SimpleImputer(strategy="constant", fill_value=UNKNOWN, keep_empty_features=True)),
             ("hot", OneHotEncoder(handle_unknown="ignore"))]  # fmt: skip
    return ColumnTransformer([("n", numbers, OfType("number")), ("c", Pipeline(kinds), ["tier"])])


def serve(work: Workload) -> None:
    """Define the service, or give it the other pipeline."""
    known, scaled = work.lessons.scaled(work.db.head), work.random.random() < 0.5
    if known is not scaled:
        work.model.other(work.now())
        work.lessons.defined.append((work.model.head, scaled))
    features = [f"{view}:{name}" for view, name in INPUTS]
    work.db.create_service("ranker", features=features, pipeline=pipeline(scaled), replace=True)


def inputs_of(work: Workload, entity: Any, offset: int, at: int, known: int | None = None) -> tuple[Any, ...]:
    """What the model says that a service reads."""
    return tuple(work.model.read(view, entity, offset, at, known).values[name] for view, name in INPUTS)


def fit(work: Workload) -> None:
    """The pipeline learns from the rows that exist now, or did at an offset."""
    begun = work.lessons.defined[0][0] if work.lessons.defined else None
    if begun is None:
        return
    offset, at = work.db.head, work.now()
    if work.random.random() < 0.3:
        offset = work.random.randint(max(begun, work.pruned), work.db.head)
        at = work.model.times[offset]
    scaled = work.lessons.scaled(work.db.head)
    assert scaled is not None
    there = [entity for entity in work.entities
             if any(work.model.read(view, entity, offset, at).found for view in work.views)]  # fmt: skip
    live = work.db.service("ranker")
    as_of = None if offset == work.db.head and at == work.now() else offset
    if not there:
        with pytest.raises(InvalidInput):
            live.fit(as_of=as_of)
        return
    rows = [inputs_of(work, entity, offset, at) for entity in there]
    work.model.other(work.now())
    work.lessons.learn(work.model.head, scaled, rows)
    live.fit(as_of=as_of)
    for entity in there:
        for view in work.views:
            work.note(view, entity, "fitted")


def predict(work: Workload) -> None:
    """Read some entities, and record what was made of them."""
    lesson = work.lessons.fitted(work.db.head)
    if lesson is None:
        return
    entities = work.random.sample(list(work.entities), work.random.choice((1, 1, 3)))
    live, as_of, at = work.db.service("ranker"), work.db.head, work.now()
    read = live.get_many(entities)
    inputs = [inputs_of(work, entity, as_of, at) for entity in entities]
    made = [lesson.apply(row) for row in inputs]
    outputs = [sum(map(abs, row), 0.0) for row in made]  # ints: never; it only has to be the same again
    work.model.other(work.now())
    found = work.db.record_predictions(read, model="m@1", outputs=outputs)
    for one, entity, row, output in zip(found, entities, inputs, outputs, strict=True):
        work.lessons.predicted.append(Predicted(one.id, entity, work.db.head, as_of, at, row, output))
        for view in work.views:
            work.note(view, entity, "predicted")


# -- checks ------------------------------------------------------------------------------------------------


def check_service(
    work: Workload,
    reader: Any,
    offset: int,
    at: int,
    *,
    rules: tuple[str, ...] = (),
    ask_at: Any = None,
    known: int | None = None,
) -> None:
    """One row, and a batch, through the pipeline of the time."""
    if work.lessons.scaled(offset) is None:
        assert "ranker" not in reader.services()
        return
    service, lesson = reader.service("ranker"), work.lessons.fitted(offset)
    entities = work.random.sample(list(work.entities), 2)
    expected = [inputs_of(work, entity, offset, at, known) for entity in entities]
    raw = service.get_many(entities, at=ask_at, raw=True)
    assert list(map(tuple, raw.to_rows())) == expected, (offset, at)
    if lesson is None:
        with pytest.raises(NotFitted):
            service.get(entities[0], at=ask_at)
        return
    row = service.get(entities[0], at=ask_at)
    assert (row.as_of, row.inputs.at_micros) == (offset, at)
    assert alike(row.vector(), lesson.apply(expected[0])), (entities[0], lesson)
    batch = service.get_many(entities, at=ask_at)
    assert list(batch.to_rows()[0]) == row.vector()
    assert alike(batch.to_rows()[1], lesson.apply(expected[1])), (entities[1], lesson)
    for view in work.views:
        count_pairs(work, view, entities[0], work.model.read(view, entities[0], offset, at, known), ("served", *rules))


def check_predictions(work: Workload, reader: Any, offset: int) -> None:
    """One that was recorded is what was read then, and comes out again; or says why it cannot."""
    known = [one for one in work.lessons.predicted if one.offset <= offset]
    if not known:
        return
    one = work.random.choice(known)
    if one.id in work.lessons.erased:
        with pytest.raises(Erased):
            reader.prediction(one.id)
        return
    found = reader.prediction(one.id)
    assert (found.as_of, found.output) == (one.as_of, one.output)
    assert tuple(found.inputs.values()) == one.inputs
    again = reader.reproduce(one.id)
    if one.as_of < work.pruned:
        assert again.missing and not again.matches, again
        return
    assert again.inputs and not again.drifted, again
    assert inputs_of(work, one.entity, one.as_of, one.at) == one.inputs
