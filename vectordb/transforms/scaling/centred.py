"""Centred: ``(x - centre) / scale`` of each feature, and back; either may be left out."""

from __future__ import annotations

from collections.abc import Sequence

from vectordb.transforms.program import Program, Value
from vectordb.transforms.scaling.learnt import blank_of

Each = Sequence[float] | None  # an entry a feature


def write_centred(program: Program, values: Sequence[Value], centres: Each, scales: Each) -> list[Value]:
    """Values centred, then scaled."""
    outputs = []
    for place, value in enumerate(map(program.number, values)):
        if centres is not None:
            centre = centres[place]
            value = program.let("{0} - {1}", value, program.constant(centre), blank=blank_of(centre))
        if scales is not None:
            scale = scales[place]
            value = program.let("{0} / {1}", value, program.constant(scale), blank=blank_of(scale))
        outputs.append(value)
    return outputs


def unwrite_centred(program: Program, values: Sequence[Value], centres: Each, scales: Each) -> list[Value]:
    """The inverse."""
    outputs = []
    for place, value in enumerate(values):
        if scales is not None:
            value = program.let("{0} * {1}", value, program.constant(scales[place]))
        if centres is not None:
            value = program.let("{0} + {1}", value, program.constant(centres[place]))
        outputs.append(value)
    return outputs
