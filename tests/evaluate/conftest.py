"""A folder in which the stage can be run."""

import pytest


@pytest.fixture
def project(project, own_cache):
    """Make a folder in which the stage can be run, without its inputs."""
    return project
