"""Tests of the stage `validate`, a file per file of the stage."""
