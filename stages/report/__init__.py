"""Write the page that a person reads: what was measured, where rows went, where the model fails, what to try."""
