"""Tests of the stage `clean`, a file per file of the stage."""
