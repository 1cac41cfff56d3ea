"""Verification: everything that is shown is what the log says, and the log is what its digests say.

Nothing is trusted that can be computed again: digests from the bodies of the lines, every projection from a fresh fold,
every prediction from its pinned read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from projections import Projection
from vectordb.audit.checking import Checking, Progress
from vectordb.audit.checking_log import check_digests, check_events, check_file, check_references
from vectordb.audit.checking_predictions import check_predictions
from vectordb.audit.checking_projections import check_folds, check_structure
from vectordb.audit.report import Report
from vectordb.audit.vouching import vouched

if TYPE_CHECKING:
    from vectordb.reader import Reader


def verify(reader: Reader, own: Sequence[Projection], progress: Progress | None) -> Report:
    """See ``Audit.verify``. All checks in order: what the later ones stand on comes first."""
    state = reader.state
    with state.lock:
        state.heal_all()
        checking = Checking(reader, progress)
        checks = [check_events(checking), check_digests(checking), vouched(state.log)]
        checks += [*check_file(checking), check_references(checking)]
        if checking.whole:
            checks += [check_structure(checking, projection) for projection in state.fold.projections]
        checks += [*check_folds(checking, own), check_predictions(checking)]
        return Report(checking.offset, checking.digest(), tuple(checks))
