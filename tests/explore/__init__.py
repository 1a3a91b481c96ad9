"""Tests of the stage `explore`, a file per file of the stage."""
