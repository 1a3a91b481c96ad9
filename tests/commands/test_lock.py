import re
import tomllib

import pytest

from stages.commands.lock import SEPARATE_GROUPS
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
    lock = locked(f"requirements-{group}.txt" if group in SEPARATE_GROUPS else "requirements.txt")
    for pin in GROUPS[group]:
        name, version = pinned(pin)
        assert lock[normal(name)] == version


def test_no_package_is_locked_at_two_versions():
    run = locked("requirements.txt")
    for group in SEPARATE_GROUPS:
        other = locked(f"requirements-{group}.txt")
        assert {name for name in run.keys() & other.keys() if run[name] != other[name]} == set()


def test_the_lock_names_no_build_of_torch_and_no_gpu_packages():
    lock = locked("requirements.txt")
    assert lock["torch"] == "2.13.0"
    assert not [name for name in lock if name.startswith("nvidia")]
