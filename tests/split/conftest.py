"""An empty project with the real parameters."""

from pathlib import Path

import pytest

from tests.conftest import ROOT


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Stand in an empty project with the real parameters."""
    monkeypatch.chdir(tmp_path)
    for name in ("params.yaml", "pyproject.toml"):
        Path(name).write_bytes((ROOT / name).read_bytes())
    return tmp_path
