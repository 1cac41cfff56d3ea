"""Views: rows written, read, searched and counted."""
