"""The stage `evaluate`: rank the evaluation sets with every system, and explain the results."""
