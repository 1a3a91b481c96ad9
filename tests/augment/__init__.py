"""Tests of the stage `augment`."""
