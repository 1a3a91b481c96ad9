"""Tests of the commands that DVC does not run, a file per command."""
