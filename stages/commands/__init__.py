"""What one asks of a run, and what prepares one. DVC runs none of it."""
