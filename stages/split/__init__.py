"""The stage `split`: components, their assignment, the audit, and the benchmark they give."""
