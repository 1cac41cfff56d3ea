"""What-if: the history of a ledger told again in a branch, with something in it changed.

- ``what_if.py`` puts the question together (``changes.py``), ``replaying.py`` tells the history again: rows by
  ``rewriting.py``, predictions, fits and training sets by ``recomputing.py``, exposures by ``exposing.py``;
  ``offsets.py`` knows what became of each event, ``counterfactual.py`` is the answer
- ``prediction.py`` asks about one prediction alone, and replays nothing
"""

from vectordb.what_if.counterfactual import Counterfactual, Kept, Moved, Unreplayed
from vectordb.what_if.prediction import PredictionWhatIf, what_if_prediction
from vectordb.what_if.what_if import WhatIf

__all__ = ["Counterfactual", "Kept", "Moved", "PredictionWhatIf", "Unreplayed", "WhatIf", "what_if_prediction"]
