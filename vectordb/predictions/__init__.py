"""Predictions: what was served, pinned when it is recorded, and computed again.

Read in this order: ``pins`` (what is kept of a read), ``prediction_writer`` (the event), ``prediction`` (read back
from it), ``reproduction`` (computed again and compared), ``parity`` (the same for all predictions of a service, both
ways).
"""

__all__: list[str] = []
