"""Values, and what packs them: rows, columns and blocks."""
