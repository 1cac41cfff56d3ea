"""The audit of a database: ``db.audit``, and of a past: ``db.as_of(n).audit``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ledger import Entity
from projections import Projection
from vectordb.audit import proving
from vectordb.audit.bisecting import Turn, bisect_past
from vectordb.audit.bundle import bundle
from vectordb.audit.changes import Change, changes_of
from vectordb.audit.checking import Progress
from vectordb.audit.difference import Difference
from vectordb.audit.explaining import Explanation, explain
from vectordb.audit.kit import ReproductionKit, make_kit
from vectordb.audit.report import Report
from vectordb.audit.verifying import verify
from vectordb.erasing.erasure import BlastRadius
from vectordb.erasing.unfounded import Unfounded, unfounded
from vectordb.predictions.prediction import Prediction

if TYPE_CHECKING:
    from vectordb.audit.differing import Side
    from vectordb.reader import Reader
    from vectordb.views.version import Version
    from vectordb.what_if import PredictionWhatIf


class Audit:
    """Questions about the past of a database; each answers as of the reader that it was asked of.

    >>> from vectordb import VectorDB
    >>> VectorDB().audit
    Audit(as_of=0)
    """

    __slots__ = ("_reader",)

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    # -- one prediction --------------------------------------------------------------------------------

    def explain(self, prediction: str | Prediction) -> Explanation:
        """Why a prediction is what it is: every input with its version, event, times, age and status; the service and
        the pipeline it pinned, step by step; the model; the variant, and whether its exposure was recorded.

        ``prediction`` is an id or a ``Prediction``. What was derived from what (``cone``) and whether it reproduces
        (``reproduction``) are worked out on request. Values that are erased have the status ``erased``. 0.1 ms for ten
        inputs. Raises ``UnknownVersion`` for an id that names no prediction that is known here.

        >>> from vectordb import Int, VectorDB
        >>> db = VectorDB()
        >>> drivers = db.create_view("drivers", entity="driver", features={"trips": Int(default=0)})
        >>> receipt = drivers.put("d-7", {"trips": 12})
        >>> row = db.create_service("ranker", features=["drivers:trips"]).get("d-7")
        >>> found = db.audit.explain(db.record_prediction(row, model="gbm@3", output=0.81))
        >>> found.inputs[0].version, found.inputs[0].value, found.inputs[0].status
        ('drivers/d-7@2', 12, 'present')
        """
        return explain(self._reader, self._find(prediction))

    def changes(self, prediction: str | Prediction, *, before: bool = False) -> tuple[Change, ...]:
        """Since when its inputs are others: every change of an input after the read of a prediction, in order.

        ``prediction`` is an id or a ``Prediction``. Exact: found in the lists of versions, not by sampling; with what
        the clock alone did (values that were dated ahead, or expired) up to this reader's clock. ``before=True`` puts
        the changes in front that led to the read, from the empty log (or the bound of a compaction) on. The service is
        the version that was asked. Cost: 20 us for each version of the entities, 0.1 ms where a feature was not written
        for long. Raises ``UnknownVersion``, and ``Pruned`` where a compaction let go what was known at the read.
        """
        return changes_of(self._reader, self._find(prediction), before)

    def bisect(self, predicate: Callable[[Reader], Any], low: int | None = None, high: int | None = None) -> Turn:
        """The first offset at which a predicate of a past turns true, and the event there.

        ``predicate`` takes a past (``db.as_of(n)``) and is asked of O(log(high - low)) of them. Left out, ``low`` is
        the first offset that can be read as of (1, or the bound of a compaction), ``high`` the head. It is taken to be
        false before the turn and true from there on; where it turns several times, one of the turns to true is found. A
        past is read at the recorded time of its offset, so what the clock alone changes shows at the next event. Raises
        ``AlreadyTrue`` when it holds at ``low``, ``StillFalse`` when it does not at ``high``, ``OffsetOutOfRange``
        (``Pruned`` below a compaction) and ``InvalidInput`` for bounds that are none; what the predicate raises passes
        through. 10 us a probe that reads one row.

        >>> from vectordb import Int, VectorDB
        >>> db = VectorDB()
        >>> drivers = db.create_view("drivers", entity="driver", features={"trips": Int(default=0)})
        >>> receipts = [drivers.put("d-7", {"trips": trips}) for trips in range(100)]
        >>> db.audit.bisect(lambda past: past.view("drivers").get("d-7")["trips"] >= 70).offset
        72
        """
        return bisect_past(self._reader, predicate, low, high)

    def _find(self, prediction: str | Prediction) -> Prediction:
        return self._reader.prediction(prediction)

    # -- two states ------------------------------------------------------------------------------------

    def diff(
        self,
        a: Side,
        b: Side,
        neighbours: Iterable[Sequence[Any]] | None = None,
        views: Iterable[str] | None = None,
        limit: int | None = None,
    ) -> Difference:
        """What differs from ``a`` to ``b``: two offsets, two readers (past, fork, other database), or one of each.

        Definitions, rows of all views (or of ``views``), predictions, the exact hits of ``neighbours`` as (view,
        feature, vector, k), and tallies of experiments; or of two predictions (or their ids) every input, transformed
        value and output. Each state is read at its own clock. At most ``limit`` changes a section, and rows a view, are
        listed. Raises ``OffsetOutOfRange``, ``UnknownName`` for a view that neither side has, ``UnknownVersion`` for an
        id that names no prediction, and ``InvalidInput``. Cost: 2 us an event since the common ground (of two ledgers
        without one, 5 us a row), 20 us a change. See ``Difference`` for an example.
        """
        from vectordb.audit.differing import diff

        return diff(self._reader, a, b, neighbours, views, limit)

    def what_if(
        self,
        prediction: str | Prediction,
        values: Mapping[str, Any],
        *,
        model: Callable[[Any], Any] | None = None,
    ) -> PredictionWhatIf:
        """What a prediction would have been with other inputs: the pinned ones, some of them changed.

        ``prediction`` is an id or a ``Prediction``, ``values`` are new ones by input. All go through the pipeline that
        it went through, and to its model where that is data, or to ``model``: a callable of the row. Nothing is
        replayed and nothing else is read. Raises ``UnknownVersion``, and ``InvalidInput`` for an input that it does not
        have or a value that is none of its type. 70 us.
        """
        from vectordb.what_if import what_if_prediction

        return what_if_prediction(self._reader, self._find(prediction), values, model)

    # -- the whole -------------------------------------------------------------------------------------

    def verify(self, *, projections: Sequence[Projection] = (), progress: Progress | None = None) -> Report:
        """Whether everything that is shown is what the log says: a report that names the first difference.

        Checked: offsets and times; every digest, from the line's body; of rewritten lines, what is left of them, as the
        erasure or compaction names it; the file, where there is one; that references are there and earlier; each
        projection's invariants; each projection against a fresh fold of the events, entry by entry; every recorded
        prediction, computed again and compared bit for bit. What cannot be computed (erased or pruned values, what a
        kit leaves out, a model that is not data) is noted with the reason, and is no difference. Of a past the same as
        of its offset, but for what only the head has. ``projections`` are fresh ones of your own, to be folded and
        compared by their dumps. ``progress(check, done, total)`` is called now and then; total is 0 where nobody knows
        it. Writes wait meanwhile. 40 us an event, and the memory of the rows and vectors once more.

        >>> from vectordb import Int, VectorDB
        >>> db = VectorDB()
        >>> drivers = db.create_view("drivers", entity="driver", features={"trips": Int(default=0)})
        >>> receipt = drivers.put("d-7", {"trips": 12})
        >>> report = db.audit.verify()
        >>> report.ok, report.check("fold of rows").count > 0
        (True, True)
        """
        return verify(self._reader, projections, progress)

    # -- proofs ----------------------------------------------------------------------------------------

    def root(self, size: int | None = None) -> str:
        """The RFC 6962 root of the log's first ``size`` events (None: all), 64 hexadecimal digits.

        The leaves are the events' digests. Appending hashes nothing: the first question hashes what is new (1.5 us
        an event; in memory the digests too, 5 us), after that 10 to 50 us.

        >>> from vectordb import VectorDB
        >>> VectorDB().audit.root()[:16]
        'e3b0c44298fc1c14'
        """
        return proving.root(self._reader, size)

    def tree_head(self, size: int | None = None) -> str:
        """The tree head as a text to publish, sign and compare: origin, size and root, a line each.

        The form is C2SP's tlog-checkpoint, unsigned: append an empty line and signature lines as you like.
        """
        return proving.tree_head(self._reader, size)

    def proof(self, offset: int, size: int | None = None) -> proving.InclusionProof:
        """The proof that the event at an offset is in the log of ``size`` events (None: all). RFC 9162, 2.1.3. 70 us.

        >>> from vectordb import VectorDB
        >>> db = VectorDB()
        >>> db.audit.proof(db.mark("release-7")).verify()
        True
        """
        return proving.inclusion(self._reader, offset, size)

    def consistency(self, first: int, second: int | None = None) -> proving.ConsistencyProof:
        """The proof that the log of ``second`` events (None: all) begins with that of ``first``. RFC 9162, 2.1.4."""
        return proving.consistency(self._reader, first, second)

    def bundle(self, prediction: str | Prediction, size: int | None = None) -> dict[str, Any]:
        """A prediction with all that proves it to somebody without the ledger: plain data, for ``json.dumps``.

        The lines of the prediction, of the writes that its inputs come from and of the definitions it was read by, each
        with the proof of its place in the log of ``size`` events (None: all). Whoever gets it checks it by
        ``verify_bundle``, or by a copy of ``ledger/proofs/verification.py``. Raises ``UnknownVersion``, and ``Erased``
        where a line's values were destroyed. 0.1 ms an event.
        """
        return bundle(self._reader, self._find(prediction), size)

    def kit(
        self, prediction: str | Prediction, path: str | os.PathLike[str] | None = None, size: int | None = None
    ) -> ReproductionKit:
        """The least part of the ledger from which a prediction is computed again, as one file with its proofs.

        ``VectorDB.replay(path)`` makes a database of it whose predictions reproduce to the last bit; so does
        ``python -m vectordb path``. It holds whole lines: of a batch, all of its rows. What it leaves out is unknown
        there: entities that no line of it names, values at other times and offsets, other predictions; but its hashes
        confirm a guess of a whole line that is left out. ``size`` is that of the log that proves it (None: all).
        Raises ``UnknownVersion``, and ``Erased`` where what the prediction rests on was destroyed. 0.1 ms an event.
        """
        return make_kit(self._reader, self._find(prediction), path, size)

    # -- erasure ---------------------------------------------------------------------------------------

    def blast_radius(self, view: str, entities: Entity | Iterable[Entity]) -> BlastRadius:
        """What ``erase`` would destroy, and what was made of it and would stay; nothing is changed.

        ``entities`` is an id or a list of them. It looks at the whole log, also when asked of a past. Raises
        ``UnknownName`` for the view; of entities that are not there it is empty.
        """
        from vectordb.erasing.erasing import blast_radius

        return blast_radius(self._reader, view, entities)

    def unfounded(self, what: str | Version | Prediction | None = None) -> tuple[Unfounded, ...]:
        """What stays though it rests on values that were erased: it can no longer be made again, and why.

        Of all versions, pipelines and training sets, or of one thing: a version or its id, a prediction or its id (also
        by what it read, or its pipeline), ``pipeline:ranker#1``, ``training_set:week_1``. Raises ``UnknownVersion`` for
        an id of a row that is not there.
        """
        return unfounded(self._reader, what)

    def __repr__(self) -> str:
        return f"Audit(as_of={self._reader.as_of_offset})"
