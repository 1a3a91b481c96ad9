"""The stage `evaluate`: every system on the held-out queries, and what is told of it."""
