"""Deduplicate: copies go, near-duplicates are linked, and what says something else stays."""
