"""A verdict on retrieval runs of anyone: which of two runs is better, and how sure that is."""
