"""Tests of the stage `evaluate`, a file per file of the stage."""
