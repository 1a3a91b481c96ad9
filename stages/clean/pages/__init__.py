"""Whole HTML pages: their main text, by the kind of page, and what it loses."""
