"""The tests mirror the rooms; helpers are imported as `tests.<room>.<module>`."""
