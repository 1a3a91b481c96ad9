"""Tests of the stage `report`, a file per file of the stage."""
