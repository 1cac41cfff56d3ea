"""Services: their reads, one and many."""
