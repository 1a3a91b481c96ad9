"""Tests of the questions `compare` and `progress`, a file per subject."""
