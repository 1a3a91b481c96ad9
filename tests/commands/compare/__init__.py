"""Tests of the command `compare`, a file per module."""
