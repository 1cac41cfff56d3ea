"""Training sets: what a service would have served at many labelled moments.

Read in this order: ``spine`` (the moments), ``join`` (point in time), ``training_set`` (what callers get, and its
leakage), ``training_record`` (what a model was trained on, by name).
"""

__all__: list[str] = []
