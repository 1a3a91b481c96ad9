"""Lines that recur over a source: which of them carry nothing, and their removal."""
