import re
import tomllib

import pytest
from typer.testing import CliRunner

from stages.commands import lock
from stages.commands.lock import SEPARATE_GROUPS
from stages.lib.core.errors import UserError
from tests.conftest import ROOT

GROUPS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]


def locked(name):
    lines = [
        line for line in (ROOT / name).read_text("utf-8").splitlines() if not line.startswith("#")
    ]
    return dict(pinned(line) for line in lines)


def pinned(line):
    """Return name and version; the part after ";" names a platform."""
    return line.partition(";")[0].strip().split("==")


def normal(name):
    return re.sub(r"[-_.]+", "-", re.sub(r"\[.*\]", "", name)).lower()


@pytest.mark.parametrize("group", GROUPS)
def test_every_pin_is_exact_and_in_the_lock(group):
    packages = locked(
        f"requirements-{group}.txt" if group in SEPARATE_GROUPS else "requirements.txt"
    )
    for pin in GROUPS[group]:
        name, version = pinned(pin)
        assert packages[normal(name)] == version


def test_no_package_is_locked_at_two_versions():
    run = locked("requirements.txt")
    for group in SEPARATE_GROUPS:
        other = locked(f"requirements-{group}.txt")
        assert {name for name in run.keys() & other.keys() if run[name] != other[name]} == set()


def test_the_lock_names_no_build_of_torch_and_no_gpu_packages():
    packages = locked("requirements.txt")
    assert packages["torch"] == "2.13.0"
    assert not [name for name in packages if name.startswith("nvidia")]


def test_no_lock_is_written_before_all_are_compiled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    groups = 'tables = ["pandas==1"]\ncheck = ["ruff==1"]\nwandb = ["wandb==1"]\n'
    (tmp_path / "pyproject.toml").write_text(f"[dependency-groups]\n{groups}", "utf-8")
    for name in ("requirements.txt", "requirements-check.txt"):
        (tmp_path / name).write_text("before\n", "utf-8")
    seen = []

    def compile_lock(pins, constraints):
        seen.append((pins, [path.read_text("utf-8") for path in constraints]))
        if pins == ["wandb==1"] and is_broken:
            raise UserError("pip-compile failed", "correct the pins")
        return "".join(f"{pin}\n" for pin in pins)

    monkeypatch.setattr(lock, "compile_lock", compile_lock)
    is_broken = True
    assert CliRunner().invoke(lock.app, []).exit_code == 1
    assert seen == [
        (["pandas==1"], []),
        (["ruff==1"], ["pandas==1\n"]),
        (["wandb==1"], ["pandas==1\n"]),
    ]
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["pyproject.toml", "requirements-check.txt", "requirements.txt"]
    assert (tmp_path / "requirements-check.txt").read_text("utf-8") == "before\n"

    is_broken = False
    assert CliRunner().invoke(lock.app, []).exit_code == 0
    assert (tmp_path / "requirements-check.txt").read_text("utf-8").endswith("\nruff==1\n")
