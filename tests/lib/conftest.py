"""What the tests of lib share."""

import pytest

from stages.lib.core import atomic


@pytest.fixture(autouse=True)
def nothing_written_yet(monkeypatch):
    """Keep one test's `discard` from removing what another wrote in the same process."""
    monkeypatch.setattr(atomic, "_written_paths", [])
