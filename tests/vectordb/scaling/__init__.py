"""Many processes: followers, shared tables, executors."""
