"""Measures on planted faults, one kind a file."""
