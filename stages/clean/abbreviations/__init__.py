"""Abbreviations: definitions in texts, and where a short form is written out."""
