"""Files: what is kept, what a crash or a hand may do to it, and what is said about it."""
