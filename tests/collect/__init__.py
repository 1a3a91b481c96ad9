"""Tests of the stage `collect`, a file per file of the stage."""
