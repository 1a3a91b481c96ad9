"""The stage `split`: components, assignment, audit, and evaluation sets."""
