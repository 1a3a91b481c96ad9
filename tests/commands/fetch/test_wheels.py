"""The command that downloads pinned wheels, with the real pip and a folder instead of an index."""

import hashlib
import json
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
from typer.testing import CliRunner

from stages.collect import wheels
from stages.commands.fetch.__main__ import app
from tests.conftest import ROOT

METADATA = "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


@pytest.fixture
def index(tmp_path, monkeypatch) -> Path:
    """Make a folder with the wheel tiny 1.0 the only index of pip, and an environment that lacks it."""
    folder = tmp_path / "index"
    folder.mkdir()
    with ZipFile(folder / "tiny-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr("tiny-1.0.dist-info/METADATA", METADATA)
        archive.writestr("tiny-1.0.dist-info/WHEEL", WHEEL)
        archive.writestr("tiny-1.0.dist-info/RECORD", "")
    for name, value in {
        "NO_INDEX": "1",
        "FIND_LINKS": str(folder),
        "CONFIG_FILE": "/dev/null",
    }.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "environment"))
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    pin(hashlib.sha256((folder / "tiny-1.0-py3-none-any.whl").read_bytes()).hexdigest())
    return folder


def pin(sha256: str, version: str = "1.0") -> None:
    Path("pyproject.toml").write_text(
        f'[dependency-groups]\n[tool.pairsmith.wheels.tiny]\nversion = "{version}"\nsha256 = "{sha256}"\n',
        "utf-8",
    )


def run():
    return CliRunner().invoke(app, [])


@pytest.mark.slow
def test_a_wheel_is_fetched_once(index):
    first = run()
    assert (first.exit_code, first.output) == (0, "tiny 1.0: fetched\n")
    assert (
        wheels.find_wheel("tiny").read_bytes() == (index / "tiny-1.0-py3-none-any.whl").read_bytes()
    )
    (index / "tiny-1.0-py3-none-any.whl").unlink()  # from here on pip would fail
    second = run()
    assert (second.exit_code, second.output) == (0, "tiny 1.0: already here\n")


@pytest.mark.slow
def test_other_bytes_than_the_pinned_ones_are_not_kept(index):
    pin("0" * 64)
    result = run()
    assert result.exit_code == 1
    assert "another sha256 than pyproject.toml pins" in result.output
    assert not wheels.pinned_wheels()["tiny"].path.exists()


@pytest.mark.slow
def test_a_damaged_wheel_is_fetched_again(index):
    path = wheels.pinned_wheels()["tiny"].path
    path.parent.mkdir(parents=True)
    path.write_bytes(b"half of it")
    assert run().output == "tiny 1.0: fetched\n"
    assert wheels.find_wheel("tiny") == path


def test_a_failed_download_is_a_short_error(index):
    pin("0" * 64, version="2.0")
    result = run()
    assert result.exit_code == 1
    assert "pip could not download tiny==2.0" in result.output
    assert "remedy" in result.output


@pytest.mark.slow
def test_json_names_each_wheel_with_its_state(index):
    result = CliRunner().invoke(app, ["--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {
        "model": [],
        "snapshots": {},
        "wheels": [{"name": "tiny", "state": "fetched", "version": "1.0"}],
    }
    assert result.stderr == "tiny 1.0: fetched\n"
