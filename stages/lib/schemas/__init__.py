"""The contracts of all tables, by subject."""
