"""A ledger model: a predictor that is packaged as data, and opens its ledger where it is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ledger import NotFitted
from vectordb.database import VectorDB
from vectordb.serving.predictor.predictor import Predictor


@dataclass
class LedgerModel:
    """MLflow's pyfunc shape over a ledger file that is an artifact; plain data until ``load_context``.

    For ``mlflow.pyfunc.save_model`` derive from both: ``class Ranker(LedgerModel, mlflow.pyfunc.PythonModel): ...``
    and pass ``artifacts={"ledger": path}``. ``model`` is the name of a model stored as data, or of one for each arm.
    The ledger is replayed into memory, and nothing is recorded. With ``as_of`` it is read as of that offset and its
    clock, and answers the same for ever; without, at the clock of the day, by which features with a time to live age.
    """

    service: str
    model: str | Mapping[str, str]
    experiment: str | None = None
    artifact: str = "ledger"
    as_of: int | None = None
    _predictor: Predictor | None = field(default=None, init=False, repr=False, compare=False)

    def load_context(self, context: Any) -> None:
        """Open the ledger that the context's artifacts name."""
        db = VectorDB.replay(context.artifacts[self.artifact])
        reader = db if self.as_of is None else db.as_of(self.as_of)
        self._predictor = Predictor(reader, self.service, self.model, experiment=self.experiment, record=False)

    def predict(self, context: Any, model_input: Any, params: Mapping[str, Any] | None = None) -> list[Any]:
        """As ``Predictor.predict``; raises ``NotFitted`` before ``load_context``."""
        if self._predictor is None:
            raise NotFitted("load_context comes before predict", service=self.service)
        return self._predictor.predict(context, model_input, params)

    def __getstate__(self) -> dict[str, Any]:
        """Without the open ledger."""
        return {**self.__dict__, "_predictor": None}
