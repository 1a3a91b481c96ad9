"""The command `compare`: did a change help? Two versions, one benchmark, and an outcome with its interval."""
