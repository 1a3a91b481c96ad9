"""Remove a record from everything that holds it, and say what still does."""
