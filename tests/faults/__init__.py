"""Faults of disks, files and processes: what was acknowledged stands, what was refused left nothing."""
