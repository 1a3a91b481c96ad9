"""A repository with one run in its history."""

import re
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.commands.results import COMMIT, write
from tests.conftest import git
from tests.hub import running
from tests.postgres import PASSWORD, cluster, has_server


@pytest.fixture
def history(project):
    """Enter a repository with a first run; its working tree has no DVC."""
    params = Path("params.yaml").read_text("utf-8")
    # The deviation between training seeds has tests of its own.
    Path("params.yaml").write_text(
        re.sub(r"(?m)^  seed_sd: .*$", "  seed_sd: null", params), "utf-8"
    )
    write([0.4, 0.6])
    git(project, "init", "-q")
    git(project, "add", "-A")
    git(project, *COMMIT, "first")
    return project


@pytest.fixture(scope="session")
def postgres_url():
    """Return the URL of a real PostgreSQL on loopback, which runs for this session."""
    if not has_server():
        pytest.skip("no wheel with PostgreSQL for this platform, and none on PATH")
    with cluster() as port:
        yield f"postgresql+psycopg://reader:{quote(PASSWORD, '')}@127.0.0.1:{port}/postgres"


@pytest.fixture
def hub(tmp_path_factory, monkeypatch):
    """Return a hub on loopback, to which the libraries of Hugging Face are pointed."""
    monkeypatch.setenv("HF_HOME", str(tmp_path_factory.mktemp("hub_cache")))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with running(tmp_path_factory.mktemp("hub")) as running_hub:
        monkeypatch.setenv("HF_ENDPOINT", running_hub.url)
        yield running_hub
