"""The question `compare`: did the change help? Two revisions, one benchmark, a verdict with its interval."""
