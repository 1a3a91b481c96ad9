"""Statistics: intervals and tests, cosine separation, the probe."""
