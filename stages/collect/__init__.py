"""The stage `collect`: one reader for each kind of source, and the rows that they return."""
