"""The door to scikit-learn: its fitted transformers become ours, and ours become its.

Nothing is imported to take one over: its attributes are read. What goes the other way imports scikit-learn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any

from ledger import InvalidInput, NotFitted
from vectordb.transforms.base import Transformer
from vectordb.transforms.composing import ColumnTransformer, FeatureUnion, Pipeline, unfitted
from vectordb.transforms.composing.checks import DROP, PASSTHROUGH
from vectordb.transforms.counterparts import adopt_features
from vectordb.transforms.functions import FunctionTransformer
from vectordb.transforms.registry import TRANSFORMERS


def from_sklearn(fitted: Any) -> Transformer:
    """Ours for a fitted transformer of scikit-learn, pipelines and parts included; outputs agree within 1e-12.

    Raises ``InvalidInput`` for one without a counterpart here and for an option that cannot be honoured, ``NotFitted``
    for one that is not fitted.
    """
    kind = type(fitted)
    takers = _takers()
    if kind.__module__.partition(".")[0] != "sklearn" or kind.__name__ not in takers:
        rule = "a transformer of scikit-learn that has a counterpart here"
        raise InvalidInput(rule, type=f"{kind.__module__}.{kind.__name__}", known=sorted(takers))
    try:
        return takers[kind.__name__](fitted)
    except AttributeError as error:
        rule = "a transformer of scikit-learn is fitted before it is taken over"
        raise NotFitted(rule, type=kind.__name__, missing=error.name) from error


def to_sklearn(transformer: Transformer) -> Any:
    """A fitted object of scikit-learn that does what a fitted transformer of ours does; parts included.

    One without a counterpart there is refused; it can stand in a pipeline of scikit-learn as it is.
    """
    return _to_theirs(transformer, named=True)


def _takers() -> dict[str, Callable[[Any], Transformer]]:
    own = {name: kind._from_sklearn for name, kind in TRANSFORMERS.items() if hasattr(kind, "_from_sklearn")}
    return {**own, "Pipeline": _pipeline, "ColumnTransformer": _column_transformer, "FeatureUnion": _feature_union}


def _part(fitted: Any) -> Any:
    """A part: a word as it is, None as passing through, one of ours that stands there as a copy."""
    if fitted is None or isinstance(fitted, str):
        return fitted or PASSTHROUGH
    return deepcopy(fitted) if isinstance(fitted, Transformer) else from_sklearn(fitted)


def _pipeline(fitted: Any) -> Pipeline:
    made = Pipeline([(name, _part(step)) for name, step in fitted.steps], verbose=bool(fitted.verbose))
    _see(made, fitted)
    return made


def _feature_union(fitted: Any) -> FeatureUnion:
    made = FeatureUnion(
        [(name, _part(part)) for name, part in fitted.transformer_list],
        n_jobs=fitted.n_jobs,
        transformer_weights=_weights(fitted),
        verbose=bool(fitted.verbose),
        verbose_feature_names_out=_verbose_names(fitted),
    )
    _see(made, fitted)
    return made


def _column_transformer(fitted: Any) -> ColumnTransformer:
    places = {name: [int(one) for one in held] for name, held in fitted._transformer_to_input_indices.items()}
    words = {name: part for name, part, _ in fitted.transformers if isinstance(part, str)}
    if isinstance(fitted.remainder, str):
        words["remainder"] = fitted.remainder
    parts = []
    for name, part, _ in fitted.transformers_:
        own = words.get(name) or (_part(part) if places[name] else DROP)  # of no columns, it never learnt
        parts.append((name, own, tuple(places[name])))
    by_name = {name: part for name, part, _ in parts}
    made = ColumnTransformer(
        [(name, unfitted(by_name[name]), _columns(given, places[name])) for name, _, given in fitted.transformers],
        remainder=unfitted(by_name.get("remainder", words.get("remainder", DROP))),
        sparse_threshold=fitted.sparse_threshold,
        n_jobs=fitted.n_jobs,
        transformer_weights=_weights(fitted),
        verbose=bool(fitted.verbose),
        verbose_feature_names_out=_verbose_names(fitted),
    )
    _see(made, fitted)
    made.transformers_ = tuple(parts)
    return made


def _columns(given: Any, places: list[int]) -> Any:
    """A choice of columns as plain data; what a function chose, by place."""
    if isinstance(given, (str, slice)) or type(given) is int:
        return given
    plain = given.tolist() if hasattr(given, "tolist") else given
    if isinstance(plain, (list, tuple)) and all(type(one) in (str, int, bool) for one in plain):
        return list(plain)
    return places


def _weights(fitted: Any) -> dict[str, float] | None:
    given: Mapping[str, Any] | None = fitted.transformer_weights
    return None if given is None else {name: float(weight) for name, weight in given.items()}


def _verbose_names(fitted: Any) -> bool:
    given = fitted.verbose_feature_names_out
    if not isinstance(given, bool):
        rule = "names of outputs have the part's name in front, or have not"
        raise InvalidInput(rule, parameter="verbose_feature_names_out", given=given)
    return given


def _see(made: Transformer, fitted: Any) -> None:
    """How many features it was fitted on, and their names, as it says or else its first part that knows."""
    for one in (fitted, *(part for _, part in made._children())):
        if hasattr(one, "n_features_in_"):  # not a word, nor one that starts with a word
            adopt_features(made, one)
            return
    raise NotFitted("a fitted transformer knows how many features it was fitted on", type=type(fitted).__name__)


def _to_theirs(part: Any, named: bool) -> Any:
    """``named``: what it is given at transforming has names, which those of the fit are compared with."""
    if isinstance(part, str):
        return part
    part._check_fitted()
    if isinstance(part, Pipeline):
        return _their_pipeline(part, named)
    if isinstance(part, FeatureUnion):
        return _their_union(part, named)
    if isinstance(part, ColumnTransformer):
        return _their_column_transformer(part, named)
    if not hasattr(part, "_to_sklearn"):
        rule = "a transformer that has a counterpart in scikit-learn (others can stand in its pipelines as they are)"
        raise InvalidInput(rule, type=type(part).__name__)
    made = part._to_sklearn()
    vars(made).pop("feature_names_in_", None)
    _name(made, vars(part).get("feature_names_in_") if named else None)
    return made


def _name(made: Any, names: Sequence[str] | None) -> None:
    if names is not None:
        from numpy import array

        made.feature_names_in_ = array(names, dtype=object)


def _their_pipeline(part: Pipeline, named: bool) -> Any:
    from sklearn.pipeline import Pipeline as Theirs

    steps = []
    for name, step in part.steps:
        steps.append((name, _to_theirs(step or PASSTHROUGH, named)))
        named = named and _keeps_names(step)
    return Theirs(steps, verbose=part.verbose)


def _keeps_names(part: Any) -> bool:
    """Whether a data frame comes out of it as a frame: by default, that is so of functions only."""
    if isinstance(part, Pipeline):
        return all(_keeps_names(step) for _, step in part.steps)
    return not isinstance(part, Transformer) or isinstance(part, FunctionTransformer)


def _their_union(part: FeatureUnion, named: bool) -> Any:
    from sklearn.pipeline import FeatureUnion as Theirs

    return Theirs(
        [(name, _their_part(own, part, range(part.n_features_in_), named)) for name, own in part.transformer_list],
        n_jobs=part.n_jobs,
        transformer_weights=part.transformer_weights,
        verbose=part.verbose,
        verbose_feature_names_out=part.verbose_feature_names_out,
    )


def _their_part(own: Any, whole: Transformer, places: Sequence[int], named: bool) -> Any:
    """A part as it stands in a fitted whole: passing through is a transformer there."""
    if own != PASSTHROUGH:
        return _to_theirs(DROP if own is None else own, named)
    from sklearn.preprocessing import FunctionTransformer as Theirs

    made = Theirs(accept_sparse=True, check_inverse=False, feature_names_out="one-to-one")
    made.n_features_in_ = len(places)
    names = vars(whole).get("feature_names_in_")
    _name(made, [names[place] for place in places] if named and names else None)
    return made


def _their_column_transformer(part: ColumnTransformer, named: bool) -> Any:
    from sklearn.base import clone
    from sklearn.compose import ColumnTransformer as Theirs

    parts = [
        (name, _their_part(own, part, places, named) if places else DROP, list(places))
        for name, own, places in part.transformers_
    ]
    words = {name: own for name, own, _ in part.transformers_ if isinstance(own, str)}
    given = {name: words.get(name) or (own if isinstance(own, str) else clone(own)) for name, own, _ in parts}
    made = Theirs(
        [(name, given[name], places) for name, _, places in parts if name != "remainder"],
        remainder=given.get("remainder", DROP),
        sparse_threshold=part.sparse_threshold,
        n_jobs=part.n_jobs,
        transformer_weights=part.transformer_weights,
        verbose=part.verbose,
        verbose_feature_names_out=part.verbose_feature_names_out,
    )
    made.transformers_ = parts
    _set_learnt(made, part, named)
    return made


def _set_learnt(made: Any, part: ColumnTransformer, named: bool) -> None:
    """What a fit of scikit-learn's own would have noted beside the fitted parts."""
    names = list(part._names_in(0))
    places = {name: held for name, _, held in made.transformers_}
    made._columns = [places[name] for name, _, _ in made.transformers]
    rest = places.setdefault("remainder", [])
    made._transformer_to_input_indices = places
    made._remainder = ("remainder", made.remainder, rest)
    made.sparse_output_ = False
    made.output_indices_, start = {}, 0
    for name, own, held in part.transformers_:
        kept = [names[place] for place in held] if own != DROP else []
        width = len(own._names_out(kept)) if isinstance(own, Transformer) and kept else len(kept)
        made.output_indices_[name] = slice(start, start + width)
        start += width
    made.output_indices_.setdefault("remainder", slice(0, 0))
    made.n_features_in_ = part.n_features_in_
    _name(made, vars(part).get("feature_names_in_") if named else None)
