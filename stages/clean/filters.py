"""Filters: which cleaned texts are kept. Limits are on length alone, so that the same text always fares the same."""

from __future__ import annotations

REASONS = ("empty", "too_short", "too_long", "unstable")


def refusal(text: str, shortest: int, longest: int) -> str:
    """Return why `text` is dropped, or nothing: its length is in characters, after every other rule."""
    if not text:
        return "empty"
    if len(text) < shortest:
        return "too_short"
    return "too_long" if len(text) > longest else ""
