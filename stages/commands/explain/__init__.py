"""The story of one row."""
