"""Tests of the command fetch."""
