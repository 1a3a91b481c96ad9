"""The contracts of the tables: what each refuses, and how it says so."""
