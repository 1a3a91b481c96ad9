"""What the tests of lib share."""

import pytest

from stages.lib.core import atomic


@pytest.fixture(autouse=True)
def no_run_under_way(monkeypatch):
    """Keep one test's run from rolling back what another wrote in the same process."""
    monkeypatch.setattr(atomic, "_changes", None)
    monkeypatch.setattr(atomic, "_cleaned_folders", set())
