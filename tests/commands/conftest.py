"""A repository with one run in its history."""

import re
from pathlib import Path

import pytest

from tests.commands.results import COMMIT, write
from tests.conftest import git


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
