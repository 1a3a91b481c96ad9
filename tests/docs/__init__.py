"""Tests of what is written under docs/."""
