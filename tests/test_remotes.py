"""A run goes to a remote and comes back: push, fresh clone, pull, and `dvc repro` has nothing to do."""

import json
import shutil
from functools import partial

import pytest

from tests.conftest import git
from tests.remotes import CREDENTIALS, local_remote, s3_remote, ssh_remote

COMMIT = ("-c", "user.name=test", "-c", "user.email=test@localhost", "commit", "-qam")


@pytest.fixture(scope="module")
def tracked_run(tiny_project, tmp_path_factory, dvc):
    """Return a finished run whose raw file DVC tracks."""
    folder = shutil.copytree(tiny_project, tmp_path_factory.mktemp("tracked") / "project")
    git(folder, "rm", "-q", "--cached", "data/raw/faq.csv")
    assert dvc(folder, "add", "data/raw/faq.csv").returncode == 0

    # The folder has one more file, so `collect` runs again, and nothing after it.
    assert dvc(folder, "repro").returncode == 0
    git(folder, "add", "-A")
    git(folder, *COMMIT, "track the data")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("serve", [local_remote, s3_remote, ssh_remote])
def test_a_fresh_clone_pulls_the_run_and_has_nothing_to_do(tracked_run, tmp_path, dvc, serve):
    project = shutil.copytree(tracked_run, tmp_path / "project")
    run = partial(dvc, **CREDENTIALS)

    def configure(*arguments):
        result = run(project, *arguments)
        assert result.returncode == 0, result.stderr

    with serve(tmp_path, configure):
        git(project, *COMMIT, "name the remote")
        pushed = run(project, "push")
        assert pushed.returncode == 0, pushed.stdout + pushed.stderr

        # Another person: the clone has no cache, and no secrets but its own.
        clone = tmp_path / "clone"
        git(tmp_path, "clone", "-q", str(project), str(clone))
        local = project / ".dvc/config.local"
        if local.exists():
            shutil.copyfile(local, clone / ".dvc/config.local")
        pulled = run(clone, "pull")
        assert pulled.returncode == 0, pulled.stdout + pulled.stderr

    status = run(clone, "status", "--json")
    assert json.loads(status.stdout) == {}
    again = run(clone, "repro")
    assert again.returncode == 0, again.stderr
    assert "Data and pipelines are up to date." in again.stdout
    assert (clone / "data/raw/faq.csv").read_bytes() == (project / "data/raw/faq.csv").read_bytes()
    assert git(clone, "status", "--porcelain") == ""


@pytest.mark.slow
def test_an_experiment_elsewhere_on_untracked_data_names_the_command(tiny_project, tmp_path, dvc):
    project = shutil.copytree(tiny_project, tmp_path / "project")
    git(project, "rm", "-q", "--cached", "data/raw/faq.csv")
    git(project, *COMMIT, "hold no data")
    result = dvc(project, "exp", "run", "--temp", "-S", "clean.typos=off")
    assert result.returncode != 0
    message = result.stdout + result.stderr
    assert "dvc add data/raw/faq.csv" in message
    assert "Traceback" not in message
