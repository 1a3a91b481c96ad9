"""The stage `pair`: recipes propose pairs, and filters decide which of them are built."""
