"""Soundness: whether the arms have the sizes that were planned, and what else is to be warned of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import fsum
from typing import TYPE_CHECKING, Final

from ledger import ExperimentDefinition
from vectordb.experiments.sources import Source
from vectordb.experiments.stats.srm import SampleRatio, sample_ratio

if TYPE_CHECKING:
    from vectordb.reader import Reader

CONFLICTS: Final = 0.01  # the share of conflicted units above which a warning is given
CHANGED: Final = "the weights changed within the bucket version: expected by the weights in force at each exposure"
ONE_ARM: Final = "fewer than two arms of positive weight: no sample ratio test"
NOBODY: Final = "no unit was exposed: no sample ratio test"


def bucket_versions(reader: Reader, definition: ExperimentDefinition) -> list[tuple[int, ExperimentDefinition]]:
    """The versions that share the bucket version of a definition, with their offsets: how units come to their arms."""
    history = reader.state.catalog.experiments.versions(definition.name, reader.as_of_offset)
    return [(offset, one) for offset, one in history if one.bucket_version == definition.bucket_version]


def changed_weights(versions: Sequence[tuple[int, ExperimentDefinition]]) -> bool:
    """Whether some of them plan other sizes of arms."""
    return any(one.arms != versions[0][1].arms for _, one in versions)


def check_ratio(source: Source) -> tuple[SampleRatio | None, tuple[str, ...]]:
    """The sample ratio test of a source, and what it assumes beyond itself."""
    versions = bucket_versions(source.reader, source.definition)
    changed, exposed = changed_weights(versions), source.exposed
    if not any(exposed.values()):
        return None, (NOBODY,)
    weights = _expected(source, versions) if changed else dict(source.definition.arms)
    arms = dict.fromkeys((*exposed, *weights))  # an arm that was planned and met by nobody says something too
    planned = [weights.get(arm, 0.0) for arm in arms]
    if sum(weight > 0.0 for weight in planned) < 2:  # ints
        return None, (ONE_ARM,)
    found = sample_ratio([exposed.get(arm, 0) for arm in arms], planned)
    if not changed:
        return found, ()
    return replace(found, assumptions=(CHANGED, *found.assumptions[1:])), (CHANGED,)


def _expected(source: Source, versions: Sequence[tuple[int, ExperimentDefinition]]) -> dict[str, float]:
    """The share of each arm if every unit was drawn by the weights in force when it was exposed."""
    ends = [offset for offset, _ in versions[1:]] + [source.tallies.offset]
    before = 0
    gained: list[tuple[int, ExperimentDefinition]] = []
    for end, (_, definition) in zip(ends, versions):
        now = max(before, source.exposed_by(end))
        gained.append((now - before, definition))
        before = now
    arms = {arm: None for _, one in gained for arm in one.arms}
    return {arm: fsum(size * one.arms.get(arm, 0.0) for size, one in gained) / before for arm in arms}


def warnings_of(source: Source, ratio: SampleRatio | None) -> tuple[str, ...]:
    """What an analysis warns of."""
    conflicted = source.tallies.conflicted
    met = sum(source.tallies.exposed.values()) + conflicted  # ints
    found = []
    if met and conflicted / met > CONFLICTS:
        found.append(f"more than 1 % of the units were seen in two arms: {conflicted} of {met}")
    if ratio is not None and ratio.alarm:
        found.append(f"sample ratio mismatch: p {ratio.p:.2g} is below {ratio.alpha:g}")
    if ratio is not None and ratio.unplanned:
        found.append(f"units stand in arms of weight 0, which draws nobody: {ratio.unplanned}")
    return tuple(found)
