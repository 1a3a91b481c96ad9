"""The audit of a split, and what a split by row would have leaked."""
