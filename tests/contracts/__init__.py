"""One list of checks for every implementation of a contract."""
