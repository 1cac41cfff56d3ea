"""Ours inside scikit-learn: its pipelines, column transformers, searches, clones, outputs and checks."""

from __future__ import annotations

import pickle
import warnings

import pytest

from tests.vectordb.transforms.composition import close, failed_checks, mixed, numbers, same_bits
from vectordb.transforms import (
    ColumnTransformer,
    CyclicalFeatures,
    DatetimeFeatures,
    FeatureUnion,
    FunctionTransformer,
    OfType,
    OneHotEncoder,
    Pipeline,
    StandardScaler,
    TargetEncoder,
)

numpy = pytest.importorskip("numpy")
sklearn = pytest.importorskip("sklearn")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:sklearn")


def array(seed=1, rows=60):
    return numpy.array(numbers(seed, rows, missing=0.0))


def target(rows=60):
    return numpy.array([row % 3 == 0 for row in range(rows)], dtype=int)


def union():
    return FeatureUnion([("scale", StandardScaler()), ("cycle", CyclicalFeatures(7.0)), ("keep", "passthrough")])


def columns():
    parts = [("scale", StandardScaler(), OfType("number")), ("hot", OneHotEncoder(handle_unknown="ignore"), ["city"])]
    return ColumnTransformer(parts)


def chain():
    return Pipeline([("abs", FunctionTransformer("abs")), ("scale", StandardScaler())])


OURS = [StandardScaler(with_mean=False), CyclicalFeatures([7.0, 1, 2, 3]), FunctionTransformer("abs"), union(), chain()]


@pytest.mark.parametrize("ours", OURS, ids=repr)
def test_in_a_pipeline_with_a_model(ours):
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler as Theirs

    model = make_pipeline(ours, Theirs(), LogisticRegression()).fit(array(), target())
    by_hand = Theirs().fit_transform(ours.fit_transform(array()))
    alone = LogisticRegression().fit(by_hand, target())
    assert same_bits(model.predict_proba(array()).tolist(), alone.predict_proba(by_hand).tolist())
    names = model[:-1].get_feature_names_out()
    assert len(names) == by_hand.shape[1]


def test_in_a_column_transformer_of_theirs():
    pandas = pytest.importorskip("pandas")
    from sklearn.compose import ColumnTransformer as Theirs
    from sklearn.preprocessing import OneHotEncoder as TheirHot
    from sklearn.preprocessing import StandardScaler as TheirScaler

    frame = pandas.DataFrame(mixed(2))
    ours = Theirs([("scale", StandardScaler(), ["age", "pay"]), ("hot", OneHotEncoder(), ["city", "kind"])])
    theirs = Theirs(
        [("scale", TheirScaler(), ["age", "pay"]), ("hot", TheirHot(sparse_output=False), ["city", "kind"])]
    )
    assert close(ours.fit_transform(frame), theirs.fit_transform(frame))
    assert close(ours.transform(frame), theirs.transform(frame))
    assert ours.get_feature_names_out().tolist() == theirs.get_feature_names_out().tolist()
    with_frames = ours.set_output(transform="pandas").fit_transform(frame)
    assert with_frames.columns.tolist() == theirs.get_feature_names_out().tolist()
    assert close(with_frames.to_numpy(), theirs.transform(frame))


def test_ours_composed_inside_theirs_composed():
    pandas = pytest.importorskip("pandas")
    from sklearn.pipeline import FeatureUnion as TheirUnion
    from sklearn.pipeline import make_pipeline

    frame = pandas.DataFrame(mixed(3))
    both = TheirUnion([("one", columns()), ("two", make_pipeline(columns(), StandardScaler()))])
    made = both.fit_transform(frame)
    expected = columns().fit_transform(frame)
    assert same_bits(made[:, : expected.shape[1]].tolist(), expected.tolist())
    assert same_bits(made[:, expected.shape[1] :].tolist(), StandardScaler().fit_transform(expected).tolist())
    names = both.get_feature_names_out().tolist()
    assert names[0] == "one__scale__age" and names[-1].startswith("two__hot__city_") and len(names) == made.shape[1]


def test_a_search_sets_nested_parameters():
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import Pipeline as Theirs

    model = Theirs([("ours", union()), ("ridge", Ridge())])
    grid = {
        "ours__scale__with_mean": [True, False],
        "ours__cycle": [CyclicalFeatures(3.0), "drop"],
        "ours__cycle__period": [2.0],
        "ridge__alpha": [0.1, 10.0],
    }
    grid_of_words = {**grid, "ours__cycle": ["drop", "passthrough"]}
    del grid_of_words["ours__cycle__period"]
    grid["ours__cycle"] = [CyclicalFeatures(3.0)]
    search = GridSearchCV(model, [grid, grid_of_words], cv=3, error_score="raise")
    y = array()[:, 0] * 2 + array()[:, 1]
    search.fit(array(), y)
    assert len(search.cv_results_["params"]) == 12
    assert search.best_estimator_.named_steps["ours"].is_fitted and not model.named_steps["ours"].is_fitted
    assert search.predict(array()).shape == (60,)


def test_cross_validation():
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler as Theirs

    ours = cross_val_score(make_pipeline(StandardScaler(), LogisticRegression()), array(), target(), cv=4)
    theirs = cross_val_score(make_pipeline(Theirs(), LogisticRegression()), array(), target(), cv=4)
    assert ours.tolist() == theirs.tolist()


def test_cross_validation_of_frames_with_labels():
    pandas = pytest.importorskip("pandas")
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline

    frame = pandas.DataFrame(mixed(4, 90)).drop(columns=["pay"])
    parts = [("mean", TargetEncoder(random_state=0), ["city"]), ("scale", StandardScaler(), OfType("number"))]
    model = make_pipeline(ColumnTransformer(parts), LogisticRegression())
    scores = cross_val_score(model, frame, target(90), cv=3, error_score="raise")
    assert len(scores) == 3 and all(0 <= score <= 1 for score in scores)


@pytest.mark.parametrize("ours", [*OURS, columns(), DatetimeFeatures(["year"])], ids=repr)
def test_clones(ours):
    from sklearn.base import clone

    made = clone(ours)
    assert made is not ours and repr(made) == repr(ours) and type(made) is type(ours)
    plain = type(ours)(**ours.get_params(deep=False))
    for name, value in ours.get_params(deep=False).items():
        assert plain.get_params(deep=False)[name] is value
    fitted = clone(ours)
    given = mixed(5) if isinstance(ours, ColumnTransformer) else [[1.0, 2.0, 3.0, 4.0]]
    fitted.fit(given)
    again = clone(fitted)
    assert "n_features_in_" not in vars(again) and repr(again) == repr(ours)
    for _, part in again._children():
        assert isinstance(part, str) or "n_features_in_" not in vars(part)


def test_a_clone_keeps_its_output():
    pandas = pytest.importorskip("pandas")
    from sklearn.base import clone

    ours = clone(union().set_output(transform="pandas"))
    made = ours.fit_transform(pandas.DataFrame(array(), columns=list("abcd"), index=range(60, 120)))
    assert made.columns.tolist()[:5] == ["scale__a", "scale__b", "scale__c", "scale__d", "cycle__a_sin"]
    assert made.index.tolist() == list(range(60, 120))


def test_frames_go_through_a_pipeline_of_theirs():
    pandas = pytest.importorskip("pandas")
    from sklearn.pipeline import make_pipeline

    frame = pandas.DataFrame(mixed(6))
    model = make_pipeline(columns(), CyclicalFeatures(2.0)).set_output(transform="pandas")
    made = model.fit_transform(frame)
    assert made.columns.tolist() == model.get_feature_names_out()
    assert made.columns[0] == "scale__age_sin"
    assert made.equals(model.transform(frame))


def test_a_global_configuration_changes_nothing_of_ours():
    with sklearn.config_context(transform_output="pandas"):
        assert type(StandardScaler().fit_transform(array())) is numpy.ndarray


def test_a_fitted_one_is_known_as_such():
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    for ours in (StandardScaler(), union(), chain()):
        with pytest.raises(NotFittedError):
            check_is_fitted(ours)
        check_is_fitted(ours.fit(array()))
    check_is_fitted(FunctionTransformer("abs"))


def test_a_model_with_ours_is_pickled():
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(union(), Ridge()).fit(array(), target())
    again = pickle.loads(pickle.dumps(model))
    assert again.predict(array()).tolist() == model.predict(array()).tolist()


def test_a_model_with_ours_runs_in_processes():
    from joblib import Parallel, delayed

    fitted = union().fit(array())
    made = Parallel(n_jobs=2, backend="threading")(delayed(fitted.transform)(array(seed)) for seed in range(4))
    for seed, one in enumerate(made):
        assert same_bits(one.tolist(), fitted.transform(array(seed)).tolist())


@pytest.mark.parametrize(
    "ours",
    [
        StandardScaler(),
        StandardScaler(with_mean=False, with_std=False),
        Pipeline([("scale", StandardScaler()), ("cycle", CyclicalFeatures())]),
        FeatureUnion([("scale", StandardScaler()), ("cycle", CyclicalFeatures())]),
        ColumnTransformer([("scale", StandardScaler(), [0])], remainder=StandardScaler()),
    ],
    ids=repr,
)
def test_passes_the_checks_of_sklearn(ours):
    expected = {}
    if not isinstance(ours, StandardScaler | ColumnTransformer):  # both fit their parts in place, as scikit-learn's do
        expected["check_estimators_overwrite_params"] = "parts are fitted in place"
    assert failed_checks(ours, **expected) == []


def test_its_own_pipelines_display_ours():
    from sklearn.pipeline import make_pipeline

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert "CyclicalFeatures(period=7.0)" in repr(make_pipeline(CyclicalFeatures(7.0)))
