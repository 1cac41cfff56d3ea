"""A service in scikit-learn: entity ids in, its inputs (or what its pipeline makes of them) out."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from ledger import FeatureRef, Instant, InvalidInput, NotFitted
from vectordb.interop.taking import given_columns, given_list, is_column, is_table

if TYPE_CHECKING:
    from vectordb.batches.matrix import FeatureMatrix
    from vectordb.services.service import Service

OUTPUTS: Final = ("default", "pandas", "polars")
PARAMETERS: Final = ("service", "at", "raw", "dtype")


class ServiceTransformer:
    """A transformer for a scikit-learn ``Pipeline``: ids of shape (n,), (n, kinds), or a table with a column a kind.

    A column of ids may be a list, an array, or a series of pandas, Polars or pyarrow.

    Request inputs are further columns of such a table. The result is the block of numbers of one ``get_many``, as a
    NumPy array where NumPy is imported (its memory is shared, read-only), else ``Dense``. ``service`` may be that of a
    past; ``at`` asks what was valid at a time. It learns nothing but the number of columns: for labelled moments a
    training set is the honest way (``Service.training_set``). Clones share the service. Raises ``InvalidInput`` where a
    feature is no number or a column is missing, ``NotFitted`` before ``fit``.

    >>> from vectordb import Float, VectorDB
    >>> db = VectorDB()
    >>> view = db.create_view("users", entity="user", features={"age": Float()})
    >>> receipt = view.put("u-1", {"age": 40.0})
    >>> ServiceTransformer(db.create_service("ages", features=["users:age"])).fit(["u-1"]).get_feature_names_out()
    ['age']
    """

    def __init__(self, service: Service, at: Instant | None = None, raw: bool = False, dtype: str = "float64") -> None:
        self.service = service
        self.at = at
        self.raw = raw
        self.dtype = dtype

    # -- the contract of an estimator ------------------------------------------------------------------

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters by name."""
        return {name: getattr(self, name) for name in PARAMETERS}

    def set_params(self, **params: Any) -> ServiceTransformer:
        """Set parameters; an unknown one is refused."""
        unknown = sorted(set(params).difference(PARAMETERS))
        if unknown:
            raise InvalidInput("a parameter is one of these", unknown=unknown, known=list(PARAMETERS))
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def __sklearn_clone__(self) -> ServiceTransformer:
        made = type(self)(**self.get_params())
        if "_output" in vars(self):
            made._output = self._output
        return made

    def __sklearn_is_fitted__(self) -> bool:
        return "n_features_in_" in vars(self)

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import InputTags, Tags, TargetTags, TransformerTags

        return Tags(
            estimator_type=None,
            target_tags=TargetTags(required=False),
            transformer_tags=TransformerTags(preserves_dtype=[]),
            input_tags=InputTags(one_d_array=True, two_d_array=True, string=True, categorical=True),
            requires_fit=True,
        )

    def __repr__(self) -> str:
        return f"ServiceTransformer({self.service!r})"

    # -- fitting and transforming ----------------------------------------------------------------------

    def fit(self, X: Any, y: Any = None) -> ServiceTransformer:
        """Take note of the columns and of the names of the outputs: one row is read."""
        ids, request = self._asked(X)
        self.n_features_in_ = len(ids) + len(request)
        first = {kind: column[:1] for kind, column in ids.items()}
        read = self._read(first, {name: column[:1] for name, column in request.items()})
        self._names = list(read.names)
        return self

    def transform(self, X: Any) -> Any:
        """The numbers of every row, in order; an unknown entity has its defaults, else NaN."""
        if not self.__sklearn_is_fitted__():
            raise NotFitted("a transformer is fitted before it transforms", type=type(self).__name__)
        matrix = self._read(*self._asked(X))
        numpy: Any = sys.modules.get("numpy")
        return self._wrapped(matrix.numbers if numpy is None else numpy.asarray(matrix), matrix, X)

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Both."""
        return self.fit(X, y).transform(X)

    def get_feature_names_out(self, input_features: Any = None) -> list[str]:
        """The names of the outputs."""
        if not self.__sklearn_is_fitted__():
            raise NotFitted("a transformer is fitted before its outputs have names", type=type(self).__name__)
        return list(self._names)

    def set_output(self, *, transform: str | None = None) -> ServiceTransformer:
        """Have ``transform`` give ``pandas`` or ``polars`` frames (of a package that is imported), or the default."""
        if transform is not None and transform not in OUTPUTS:
            raise InvalidInput("transform is default, pandas or polars", transform=transform)
        if transform is not None:
            self._output = transform
        return self

    def _wrapped(self, numbers: Any, matrix: Any, X: Any) -> Any:
        wanted = vars(self).get("_output", "default")
        package: Any = sys.modules.get(wanted)
        if wanted == "default" or package is None:
            return numbers
        if wanted == "pandas":
            index = X.index if isinstance(X, (package.DataFrame, package.Series)) else None  # as scikit-learn has it
            return package.DataFrame(numbers, columns=list(matrix.names), index=index)
        return package.DataFrame(numbers, schema=list(matrix.names))

    def _read(self, ids: Mapping[str, Sequence[Any]], request: Mapping[str, Sequence[Any]]) -> FeatureMatrix:
        asked: Any = ids if len(ids) > 1 else next(iter(ids.values()))
        matrix = self.service.get_many(asked, request=request or None, at=self.at, raw=self.raw, dtype=self.dtype)
        return check_numeric(matrix)

    def _asked(self, X: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Ids by kind, and the request inputs."""
        kinds = self.service.entity_kinds
        requests = [item.name for item in self.service.definition.features if not isinstance(item, FeatureRef)]
        if isinstance(X, Mapping) or (is_table(X) and not is_column(X)):
            columns = given_columns(X) or {}
            missing = [name for name in (*kinds, *requests) if name not in columns]
            if missing:
                raise InvalidInput("a table has a column of every kind of entity and request input", missing=missing)
            return {kind: columns[kind] for kind in kinds}, {name: columns[name] for name in requests}
        if requests:
            raise InvalidInput("request inputs come as named columns of a table", requests=requests)
        return _by_kind(given_list(X), kinds), {}


def _by_kind(rows: list[Any], kinds: Sequence[str]) -> dict[str, Any]:
    """Ids, or rows of one id a kind. A tuple is an id where there is one kind."""
    if len(kinds) == 1 and not any(isinstance(row, list) for row in rows):
        return {kinds[0]: rows}
    for row in rows:
        if not isinstance(row, (list, tuple)) or len(row) != len(kinds):
            raise InvalidInput("a row has an id of every kind of entity", kinds=list(kinds), row=row)
    return {kind: [row[place] for row in rows] for place, kind in enumerate(kinds)}


def check_numeric(matrix: FeatureMatrix) -> FeatureMatrix:
    """The matrix itself where its block of numbers has every feature."""
    others = [name for name in matrix.names if name not in matrix.numeric]
    if others:
        rule = "the features are numbers: give the service a pipeline that makes numbers of the others"
        raise InvalidInput(rule, features=others, kinds={name: matrix.kinds[name] for name in others})
    return matrix
