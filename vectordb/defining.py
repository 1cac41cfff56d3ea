"""Defining: the calls of a live database that say what there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from ledger import (
    Entity,
    FeatureRef,
    FeatureType,
    Metric,
    Request,
    check_pipeline,
    duration_micros,
    parse_input,
)
from vectordb.definition_writer import DefinitionWriter
from vectordb.experiments import LiveExperiment, unit_of
from vectordb.live import Live
from vectordb.models import Model
from vectordb.services.live_service import LiveService
from vectordb.transforms import Transformer
from vectordb.views.live_view import LiveView

if TYPE_CHECKING:
    from vectordb.database import VectorDB


class Defining(Live):
    """Views, services, models, experiments and marks of a live database; ``VectorDB`` adds the rest.

    The same definition again is a no-op, another one is refused with the difference shown, and ``replace=True`` makes
    it the next version.
    """

    definition_writer: DefinitionWriter

    def view(self, name: str) -> LiveView:
        """A view by name, to read and to write; raises ``UnknownName``."""
        return LiveView(cast("VectorDB", self), name)

    def service(self, name: str) -> LiveService:
        """A feature service by name, to read from and to fit; raises ``UnknownName``."""
        return LiveService(cast("VectorDB", self), name)

    def experiment(self, name: str) -> LiveExperiment:
        """An experiment by name, to assign, to record and to change; raises ``UnknownName``."""
        return LiveExperiment(cast("VectorDB", self), name)

    def create_view(
        self,
        name: str,
        *,
        entity: str,
        features: Mapping[str, FeatureType],
        ttl: float | timedelta | None = None,
        owner: str = "",
        tags: Sequence[str] = (),
        description: str = "",
        replace: bool = False,
        **meta: Any,
    ) -> LiveView:
        """Define a view of features of one kind of entity.

        The same definition again is a no-op; another one is refused with the difference shown, and with
        ``replace=True`` becomes the next version (features may come and go; type, dimension and metric of
        a feature stay). ``ttl`` is seconds or a ``timedelta``; None or 0 keeps values for ever. Raises
        ``DefinitionError`` and its child ``DefinitionConflict``, ``InvalidName``, ``InvalidInput``.

        >>> from vectordb import Int, VectorDB
        >>> db = VectorDB()
        >>> db.create_view("drivers", entity="driver", features={"trips": Int(default=0)}).version
        1
        """
        arguments = {
            "name": name,
            "entity": entity,
            "features": dict(features),
            "ttl": duration_micros(ttl or 0) or None,
        }
        labels = {"owner": owner, "tags": tuple(tags), "description": description}
        self.definition_writer.create_view({**arguments, **labels}, replace, meta)
        return self.view(name)

    def create_service(
        self,
        name: str,
        *,
        features: Sequence[str | FeatureRef | Request],
        pipeline: Transformer | Mapping[str, Any] | None = None,
        owner: str = "",
        tags: Sequence[str] = (),
        description: str = "",
        replace: bool = False,
        **meta: Any,
    ) -> LiveService:
        """Define what a model asks for: ``"view:feature"`` texts and ``Request`` inputs, in its order.

        Where two views share a feature's name, its input is called ``view:feature``, else by its name. Reads go through
        the ``pipeline`` (see ``vectordb.transforms``): one that is fitted serves from this event on, another one from
        ``service.fit`` on. What is kept is its plain form; the object that was given stays the caller's. Raises
        ``UnknownName`` for a view or feature, ``DefinitionError``, ``InvalidInput``. Example: ``Service.get``.
        """
        labels = {"owner": owner, "tags": tuple(tags), "description": description}
        plain = pipeline.to_dict() if isinstance(pipeline, Transformer) else pipeline
        arguments = {
            "name": name,
            "features": tuple(map(parse_input, features)),
            "pipeline": None if plain is None else check_pipeline(plain),
            **labels,
        }
        self.definition_writer.create_service(arguments, replace, meta)
        return self.service(name)

    def create_model(
        self,
        name: str,
        kind: str,
        *,
        owner: str = "",
        tags: Sequence[str] = (),
        description: str = "",
        replace: bool = False,
        **parameters: Any,
    ) -> Model:
        """Define a model as data: ``kind`` is linear, logistic or tree, with its own parameters.

        All other names are parameters, so the event takes no ``actor`` and the like. Raises ``DefinitionError``,
        ``InvalidInput``.

        >>> from vectordb import VectorDB
        >>> model = VectorDB().create_model("risk", "linear", features=["x"], coefficients=[2.0], intercept=1.0)
        >>> model.predict({"x": 3.0})
        7.0
        """
        labels = {"owner": owner, "tags": tuple(tags), "description": description}
        arguments = {"name": name, "kind": kind, "parameters": parameters, **labels}
        self.definition_writer.create_model(arguments, replace, {})
        return self.model(name)

    def create_experiment(
        self,
        name: str,
        *,
        arms: Mapping[str, float],
        unit: str | None = None,
        traffic: float = 1.0,
        salt: str = "",
        layer: str = "",
        share: float = 0.0,
        holdout: str = "",
        holdout_share: float = 0.0,
        forced: Mapping[Entity, str] | None = None,
        view: str = "",
        where: Mapping[str, Any] | None = None,
        sticky: bool = False,
        metrics: Mapping[str, str | Mapping[str, Any] | Metric] | None = None,
        owner: str = "",
        tags: Sequence[str] = (),
        description: str = "",
        replace: bool = False,
        **meta: Any,
    ) -> LiveExperiment:
        """Define a split of units into arms, whose weights sum to 1; the first arm is the control.

        ``traffic`` is the share of units that takes part; ``salt`` (else the name) decides who falls where. ``layer``:
        take ``share`` of its units, which no other experiment of the layer has. ``holdout``: leave out the
        ``holdout_share`` that is in no experiment of that holdout. ``forced`` gives units an arm of their own. ``view``
        and ``where`` (as in ``View.search``) target by features. ``sticky``: a unit keeps the arm of its first
        exposure. ``unit`` is the kind of unit (None: the view's entity, else ``unit``). ``metrics`` are aggregates by
        name, ``{"purchase": "sum"}``, or ``{"purchase": {"aggregate": "sum", "window": 86_400}}``, or ``Metric``; a
        ``window`` is seconds or a ``timedelta``.
        The same definition again is a no-op; another one is refused, and with ``replace=True`` the next version.

        What a unit is worth: by ``any`` 1 where one of its outcomes is other than 0 (it converted), else 0; by ``sum``,
        ``count``, ``mean`` and ``max`` what these are of its outcomes; by ``last`` the latest by event time. A unit
        without outcomes is 0 by ``any``, ``sum`` and ``count``; by ``mean``, ``max`` and ``last`` it is left out.

        >>> from vectordb import VectorDB
        >>> db = VectorDB()
        >>> ranking = db.create_experiment("ranking", arms={"control": 0.5, "treatment": 0.5}, unit="user")
        >>> ranking.assign("u-1").arm, ranking.assign("u-4").arm
        ('treatment', 'control')
        """
        labels = {"owner": owner, "tags": tags, "description": description}
        who = {"traffic": traffic, "salt": salt, "layer": layer, "share": share, "sticky": sticky}
        more = {"holdout": holdout, "holdout_share": holdout_share, "view": view, "where": where}
        given = {"forced": forced or {}, "metrics": metrics or {}}
        arguments = {"name": name, "unit": unit_of(self, unit, view), "arms": arms, **who, **more, **given, **labels}
        self.definition_writer.create_experiment(arguments, replace, meta)
        return self.experiment(name)

    def mark(self, name: str, **meta: Any) -> int:
        """Name this point of the log, once: ``as_of(mark=name)`` finds it. The offset of the mark.

        Raises ``MarkConflict`` for a name that is taken.
        """
        return self.definition_writer.mark(name, meta)
