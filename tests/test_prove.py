"""Heavy proofs, run by `make prove` alone."""

import re
import shutil
import subprocess

import pytest

from tests.conftest import ROOT, git

pytestmark = [pytest.mark.prove, pytest.mark.timeout(3600)]


def clone(target):
    git(ROOT, "clone", "-q", str(ROOT), str(target))


def test_a_clean_clone_without_any_cache_gives_the_committed_bytes(tmp_path, environment, dvc):
    """The default run, from raw text to weights, on this kind of processor; everything computed anew."""
    project = tmp_path / "clone"
    clone(project)
    result = dvc(
        project, "repro", timeout=3000, PAIRSMITH_CACHE=str(tmp_path / "cache"), PYTHONHASHSEED="7"
    )
    assert result.returncode == 0, result.stderr[-3000:]
    assert git(project, "status", "--porcelain") == ""


def test_the_model_free_stages_give_the_same_bytes_for_other_worker_counts(
    tmp_path, environment, dvc
):
    project = tmp_path / "clone"
    clone(project)
    for workers in ("1", "5"):
        result = dvc(
            project,
            "repro",
            "-f",
            "augment",
            timeout=900,
            PAIRSMITH_WORKERS=workers,
            PYTHONHASHSEED=workers,
        )
        assert result.returncode == 0, result.stderr[-3000:]
        assert git(project, "status", "--porcelain", "dvc.lock", "metrics") == ""
        shutil.rmtree(project / ".dvc/cache", ignore_errors=True)
    # README says so of these splits, and of a split by row.
    audit = subprocess.run(
        ["python", "-m", "stages", "audit"],
        cwd=project,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    leaks = dict(re.findall(r"^  (\w+(?: \w+)+) {2,}(\d.*)$", audit, re.M))
    assert len(leaks) == 13 and all(row.startswith("0 (0.0%) ") for row in leaks.values())
    assert leaks["shared document"].endswith(" (75.7%)")
    assert re.search(r"72\.0% +have their document in training", audit)


def test_training_runs_behind_a_cut_network(tmp_path, environment):
    """The gate itself needs no network: here the whole pipeline of a tiny project runs without one."""
    command = [
        "unshare",
        "-rn",
        "python",
        "-m",
        "pytest",
        "-q",
        "tests/test_repro.py",
        "-k",
        "csv_runs",
    ]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=900)
