"""Collect, in rooms: one reader per kind of source, and what all readers give (`records.py`)."""
