"""The stage `pair`: which anchors should find which documents, by recipe, in balance."""
