"""A repository with one run in its history."""

import pytest

from tests.compare.results import COMMIT, write
from tests.conftest import git


@pytest.fixture
def history(project):
    """Stand in a repository with a first run; its working tree has no DVC."""
    write([0.4, 0.6])
    git(project, "init", "-q")
    git(project, "add", "-A")
    git(project, *COMMIT, "first")
    return project
