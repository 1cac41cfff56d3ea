"""Experiments: consistent assignment, and statistics over what was observed.

``experiment`` is what a caller reads, ``live_experiment`` what records and changes it, ``defining`` how it is defined.
Assignment: ``bucketing`` hashes, ``assigner`` evaluates a definition, ``answering`` lets it ask the store (``layers``,
``targeting``, ``exposed``). Analysis: ``questions`` has what is asked, ``analyzing`` answers one metric from
``sources`` by ``methods``, which ask ``stats``; ``analysis``, ``history``, ``scorecard`` and ``segments`` are the
answers.
"""

from vectordb.experiments import planning
from vectordb.experiments.adjusting import AdjustedTest, Adjustments
from vectordb.experiments.analysis import AlwaysValid, Analysis, ArmEffect, ArmSummary
from vectordb.experiments.assignment import REASONS, Assignment
from vectordb.experiments.defining import changed, check_fits, parse_fields, unit_of
from vectordb.experiments.dry_run import DryRun, Move
from vectordb.experiments.experiment import Experiment
from vectordb.experiments.exposed import Exposed
from vectordb.experiments.exposing import drawn_again, record_exposures
from vectordb.experiments.history import EffectHistory, EffectLook, EffectSeries
from vectordb.experiments.layers import layers_of
from vectordb.experiments.live_experiment import LiveExperiment
from vectordb.experiments.reallocating import Reallocation
from vectordb.experiments.scorecard import GuardrailTest, Scorecard
from vectordb.experiments.segments import Segment, Segments

__all__ = [
    "REASONS",
    "AdjustedTest",
    "Adjustments",
    "AlwaysValid",
    "Analysis",
    "ArmEffect",
    "ArmSummary",
    "Assignment",
    "DryRun",
    "EffectHistory",
    "EffectLook",
    "EffectSeries",
    "Experiment",
    "Exposed",
    "GuardrailTest",
    "LiveExperiment",
    "Move",
    "Reallocation",
    "Scorecard",
    "Segment",
    "Segments",
    "changed",
    "check_fits",
    "drawn_again",
    "layers_of",
    "parse_fields",
    "planning",
    "record_exposures",
    "unit_of",
]
