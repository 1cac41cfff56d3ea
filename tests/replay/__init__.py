"""Stories kept as files: each replays to the state that was recorded; damaged ones are refused by name."""
