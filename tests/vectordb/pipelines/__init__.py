"""Services with a pipeline."""
