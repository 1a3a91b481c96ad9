"""The stage `split`: what ties rows, where they go, the audit, and the exam they give."""
