"""Tests of the stage `deduplicate`, a file per file of the stage."""
