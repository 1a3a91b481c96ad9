"""Tests of the stage `split`, a file per file of the stage."""
