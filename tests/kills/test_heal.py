"""Killed at any moment, the next run heals what it finds and ends at the same bytes."""

import re
import shutil
import subprocess
import sys

import pytest

from bench import kills
from stages.lib.core.lock_copy import LOCK_COPY
from tests.conftest import git

pytestmark = pytest.mark.slow


@pytest.fixture
def copy(tiny_project, tmp_path):
    return shutil.copytree(tiny_project, tmp_path / "copy")


def heal(folder, environment, *options):
    return subprocess.run(
        [sys.executable, "-m", "stages", "heal", *options],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_lock_that_was_cut_comes_back_and_plain_dvc_has_nothing_to_do(copy, environment, dvc):
    whole = (copy / "dvc.lock").read_bytes()
    (copy / "dvc.lock").write_bytes(whole[: len(whole) // 3])
    (copy / ".dvc/tmp/rwlock").write_bytes(b"")
    assert dvc(copy, "repro", "collect").returncode != 0, "the fault is no fault any more"

    healed = heal(copy, environment)
    assert healed.returncode == 0, healed.stderr
    assert "saved as dvc.lock.damaged-" in healed.stdout
    assert "From the run cache: none. Computed anew: none.\n" in healed.stdout
    (saved,) = copy.glob("dvc.lock.damaged-*")
    assert saved.read_bytes() == whole[: len(whole) // 3]
    assert (copy / "dvc.lock").read_bytes() == whole
    assert "Running stage" not in dvc(copy, "repro", "--dry").stdout


def test_a_training_that_would_run_anew_is_not_begun_unasked(copy, environment):
    """The entry of the training is lost: neither the copy nor a commit nor the run cache has it."""
    whole = (copy / "dvc.lock").read_text("utf-8")
    cut = whole[: whole.index("  finetune:\n") + 200]
    (copy / "dvc.lock").write_text(cut, "utf-8")
    (copy / LOCK_COPY).unlink(missing_ok=True)
    git(copy, "rm", "-q", "--cached", "dvc.lock")
    git(copy, "-c", "user.name=test", "-c", "user.email=test@localhost", "commit", "-qm", "none")
    shutil.rmtree(copy / ".dvc/cache/runs", ignore_errors=True)

    refused = heal(copy, environment)
    assert refused.returncode == 1
    assert "the result of finetune is lost" in refused.stderr
    assert "make repro TRAIN=yes" in refused.stderr
    assert (copy / "dvc.lock").read_text("utf-8") == cut

    # Before the first training nothing is lost.
    shutil.rmtree(copy / "data/finetune")
    first = heal(copy, environment)
    assert first.returncode == 0
    assert re.search("Computed anew: .*finetune", first.stdout)


@pytest.mark.timeout(600)
def test_killed_while_it_writes_dvc_lock_the_next_run_gives_the_same_bytes(copy):
    """A real SIGKILL between two writes of DVC, with all that it leaves behind."""
    before = kills.hashes(copy, "collect")
    (copy / "data/collect/documents.parquet").write_bytes(b"half of a tab")
    process = kills.start(copy, "collect", KILLS_AT="open dvc.lock")
    process.wait()
    kills_lock = (copy / "dvc.lock").read_bytes()
    (copy / "dvc.lock").write_bytes(kills_lock[:8192])
    project = kills.Project(copy, before, "", (), 0.0, "collect")
    assert kills.next_run(project, copy) is None
