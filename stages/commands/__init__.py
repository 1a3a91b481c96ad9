"""Commands about a run, and for its upkeep. DVC runs none of them."""
