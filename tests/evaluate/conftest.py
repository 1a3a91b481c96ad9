"""A folder in which the stage can be run."""

import shutil

import pytest

from tests.conftest import ROOT


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Make a folder in which the stage can be run, without its inputs."""
    for file in ("params.yaml", "pyproject.toml"):
        shutil.copy(ROOT / file, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAIRSMITH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PAIRSMITH_WORKERS", "1")
    return tmp_path
