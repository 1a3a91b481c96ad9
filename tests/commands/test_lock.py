import re
import tomllib
from contextlib import nullcontext
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from stages.commands import lock
from stages.commands.lock import SEPARATE_GROUPS, published_hashes
from stages.lib.core.errors import UserError
from tests.conftest import ROOT

GROUPS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]


def entries(name):
    """Return the line of each package, with its hashes."""
    lines = (ROOT / name).read_text("utf-8").replace(" \\\n", "").splitlines()
    return [line for line in lines if not line.startswith("#")]


def locked(name):
    return dict(pinned(line) for line in entries(name))


def pinned(line):
    """Return name and version; the part after ";" names a platform."""
    return re.split(r" ;|    --hash| \\", line)[0].strip().split("==")


def normal(name):
    return re.sub(r"[-_.]+", "-", re.sub(r"\[.*\]", "", name)).lower()


@pytest.mark.parametrize("group", GROUPS)
def test_every_pin_is_exact_and_in_the_lock(group):
    packages = locked(
        f"requirements-{group}.txt" if group in SEPARATE_GROUPS else "requirements.txt"
    )
    for pin in GROUPS[group]:
        name, version = pinned(pin)
        if normal(name) == "torch":
            packages |= locked("requirements-torch.txt")
        assert packages[normal(name)] == version


def test_no_package_is_locked_at_two_versions():
    run = locked("requirements.txt")
    for group in SEPARATE_GROUPS:
        other = locked(f"requirements-{group}.txt")
        assert {name for name in run.keys() & other.keys() if run[name] != other[name]} == set()


@pytest.mark.parametrize("path", sorted(ROOT.glob("requirements*.txt")), ids=lambda path: path.name)
def test_each_package_has_hashes_but_torch(path):
    for entry in entries(path.name):
        hashes = re.findall(r"--hash=sha256:([0-9a-f]{64})(?: |$)", entry)
        if path.name == "requirements-torch.txt":
            assert entry == "torch==2.13.0"
        else:
            assert hashes and hashes == sorted(set(hashes)), entry
            assert not entry.startswith("torch==")
    assert "://" not in path.read_text("utf-8"), "a lock names no index"


def test_the_lock_has_no_gpu_packages():
    assert not [name for name in locked("requirements.txt") if name.startswith("nvidia")]
    reason = (ROOT / "requirements-torch.txt").read_text("utf-8")
    assert "# Without hashes: each machine has a build of its own" in reason


def test_setup_installs_nothing_without_a_hash_but_torch():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    recipe = makefile.partition(".venv/installed:")[2].partition("\n\n")[0]
    installs = [line.strip() for line in recipe.splitlines() if "$(INSTALL)" in line]
    assert installs == [
        "$(INSTALL) --require-hashes -r requirements-installer.txt",
        "$(INSTALL) --require-hashes --no-deps -r requirements.txt -r requirements-check.txt",
        "$(INSTALL) -r requirements-torch.txt",
    ]
    assert makefile.count("pip install") == 1


def test_hashes_of_every_place_and_platform_are_taken(monkeypatch):
    class Repository:
        def __init__(self, arguments, cache_dir):
            pass

        def allow_all_wheels(self):
            return nullcontext()

        def find_all_candidates(self, name):
            files = {
                "blis-1.3.4-cp311-cp311-win32.whl": "bb",
                "blis-1.3.4-cp310-cp310-win32.whl": "cc",
                "blis-1.3.4.tar.gz": "aa",
                "blis-1.3.5.tar.gz": "dd",
            }
            return [
                SimpleNamespace(
                    version=file.split("-")[1].removesuffix(".tar.gz"),
                    link=SimpleNamespace(filename=file, hash=value, hash_name="sha256"),
                )
                for file, value in files.items()
            ]

    monkeypatch.setattr("piptools.repositories.PyPIRepository", Repository)
    assert published_hashes(["blis==1.3.4"]) == {"blis==1.3.4": ["aa", "bb"]}
    with pytest.raises(UserError, match="no index of pip offers blis==9"):
        published_hashes(["blis==9"])


def test_no_lock_is_written_before_all_are_compiled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    groups = 'tables = ["pandas==1"]\ncheck = ["ruff==1"]\nwandb = ["wandb==1"]\n'
    (tmp_path / "pyproject.toml").write_text(f"[dependency-groups]\n{groups}", "utf-8")
    for name in ("requirements.txt", "requirements-check.txt"):
        (tmp_path / name).write_text("before\n", "utf-8")
    seen = []

    def compile_lock(pins, constraints, before):
        seen.append((pins, [path.read_text("utf-8") for path in constraints]))
        if pins == ["wandb==1"] and is_broken:
            raise UserError("pip-compile failed", "correct the pins")
        return "".join(f"{pin}\n" for pin in pins)

    monkeypatch.setattr(lock, "compile_lock", compile_lock)
    monkeypatch.setattr(lock, "published_hashes", lambda pins: {pin: ["ab"] for pin in pins})
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
    assert (
        (tmp_path / "requirements-check.txt")
        .read_text("utf-8")
        .endswith("\nruff==1 \\\n    --hash=sha256:ab\n")
    )
