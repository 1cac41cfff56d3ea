"""What-if: the history of a ledger told again in a branch, with something in it changed."""

from vectordb.what_if.counterfactual import Counterfactual, Kept, Moved, Unreplayed
from vectordb.what_if.prediction import PredictionWhatIf, what_if_prediction
from vectordb.what_if.what_if import WhatIf

__all__ = ["Counterfactual", "Kept", "Moved", "PredictionWhatIf", "Unreplayed", "WhatIf", "what_if_prediction"]
