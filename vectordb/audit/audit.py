"""The audit of a database: ``db.audit``, and of a past: ``db.as_of(n).audit``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from projections import Projection
from vectordb.audit.bisecting import Turn, bisect_past
from vectordb.audit.changes import Change, changes_of
from vectordb.audit.explaining import Explanation, explain
from vectordb.audit.report import Report
from vectordb.audit.verifying import Progress, verify
from vectordb.prediction import Prediction

if TYPE_CHECKING:
    from vectordb.reader import Reader


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
        (``reproduction``) are worked out on request. Values that are erased have the status ``erased``. 0.2 ms for ten
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
        the changes in front that led to the read, from the empty log on. The service is the version that was asked.
        Cost: 20 us for each version of the entities, 0.1 ms where a feature was not written for long. Raises
        ``UnknownVersion``.
        """
        return changes_of(self._reader, self._find(prediction), before)

    def bisect(self, predicate: Callable[[Any], Any], low: int = 1, high: int | None = None) -> Turn:
        """The first offset at which a predicate of a past turns true, and the event there.

        ``predicate`` takes a past (``db.as_of(n)``) and is asked of O(log(high - low)) of them; ``high`` is the head
        where it is left out. It is taken to be false before the turn and true from there on; where it turns several
        times, one of the turns to true is found. A past is read at the recorded time of its offset, so what the clock
        alone changes shows at the next event. Raises ``AlreadyTrue`` when it holds at ``low``, ``StillFalse`` when it
        does not at ``high``, ``OffsetOutOfRange`` and ``InvalidInput`` for bounds that are none; what the predicate
        raises passes through. 10 us a probe that reads one row.

        >>> from vectordb import Int, VectorDB
        >>> db = VectorDB()
        >>> drivers = db.create_view("drivers", entity="driver", features={"trips": Int(default=0)})
        >>> receipts = [drivers.put("d-7", {"trips": trips}) for trips in range(100)]
        >>> db.audit.bisect(lambda past: past.view("drivers").get("d-7")["trips"] >= 70).offset
        72
        """
        return bisect_past(self._reader, predicate, low, high)

    def _find(self, prediction: str | Prediction) -> Prediction:
        return self._reader.prediction(prediction.id if isinstance(prediction, Prediction) else prediction)

    # -- two states ------------------------------------------------------------------------------------

    # -- the whole -------------------------------------------------------------------------------------

    def verify(self, *, projections: Sequence[Projection] = (), progress: Progress | None = None) -> Report:
        """Whether everything that is shown is what the log says: a report that names the first difference.

        Checked: offsets and times; every digest, from the line's body; the file, where there is one; that references
        are there and earlier; each projection's invariants; each projection against a fresh fold of the events, entry
        by entry; every recorded prediction, computed again and compared bit for bit. What cannot be computed (erased
        values, a model that is not data) is noted with the reason, and is no difference. Of a past the same as of its
        offset, but for what only the head has. ``projections`` are fresh ones of your own, to be folded and compared
        by their dumps. ``progress(check, done, total)`` is called now and then; total is 0 where nobody knows it.
        Writes wait meanwhile. 40 us an event, and the memory of the rows and vectors once more.

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

    # -- erasure ---------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        return f"Audit(as_of={self._reader.as_of_offset})"
