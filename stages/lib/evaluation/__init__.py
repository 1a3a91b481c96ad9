"""Evaluation sets and ranking metrics."""
