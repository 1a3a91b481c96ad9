"""Compile requirements*.txt from the dependency groups of pyproject.toml.

Each group in SEPARATE_GROUPS becomes a file of its own. All others become requirements.txt. The
command needs pip-tools, which `make lock` installs. Local build suffixes are left out, so that
each platform finds its own build.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Annotated

import typer

from stages.lib.core import atomic
from stages.lib.core.errors import UserError
from stages.lib.core.stage import command
from stages.lib.core.terminal import say

# Groups that only some users need: requirements-<group>.txt.
SEPARATE_GROUPS = ("check", "presidio", "remotes", "wandb")

_HEADER = "# Compiled by `make lock` from the dependency groups of pyproject.toml.\n"
_OPTIONS = (
    "--quiet",
    "--strip-extras",
    "--no-header",
    "--no-annotate",
    "--no-emit-index-url",
    "--no-emit-find-links",
)


def compile_lock(pins: list[str], constraints: list[Path]) -> str:
    """Return the compiled lock of `pins`: every package that they need, each at one exact version.

    Raises:
        UserError: pip-compile fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        requirements = Path(folder, "requirements.in")
        lock = Path(folder, "lock.txt")

        # The pins, and the versions that other locks have settled already.
        lines = [*pins, *(f"-c {path.resolve()}" for path in constraints)]
        requirements.write_text("\n".join(lines) + "\n", "utf-8")

        pip_compile = [sys.executable, "-m", "piptools", "compile", *_OPTIONS]
        process = subprocess.run(
            [*pip_compile, "--output-file", str(lock), str(requirements)],
            capture_output=True,
            text=True,
            check=False,
        )
        if process.returncode:
            raise UserError(
                f"pip-compile failed: {process.stderr.strip()[-600:]}",
                "correct the pins in pyproject.toml; 'make lock' installs pip-tools",
            )
        locked = lock.read_text("utf-8").splitlines()

    # Keep the pins alone, without comments, options and local build suffixes such as +cpu.
    packages = [line for line in locked if line and not line.startswith(("#", "-"))]
    return "\n".join(re.sub(r"\+[\w.]+$", "", line) for line in packages) + "\n"


def main(
    pyproject: Annotated[Path, typer.Option(help="File with the dependency groups.")] = Path(
        "pyproject.toml"
    ),
) -> None:
    """Compile requirements*.txt from the dependency groups of pyproject.toml."""
    groups = tomllib.loads(pyproject.read_text("utf-8"))["dependency-groups"]

    # All groups that every user needs are locked together.
    main_pins: list[str] = []
    for name, pins in groups.items():
        if name not in SEPARATE_GROUPS:
            main_pins += pins
    main_lock = Path("requirements.txt")
    text_of_lock = {main_lock: _lock(main_lock, main_pins, [])}

    # The others must agree with them. Nothing is written before all are compiled.
    with tempfile.TemporaryDirectory() as folder:
        constraint = Path(folder, main_lock.name)
        constraint.write_text(text_of_lock[main_lock], "utf-8")
        for name in SEPARATE_GROUPS:
            if name in groups:
                path = Path(f"requirements-{name}.txt")
                text_of_lock[path] = _lock(path, groups[name], [constraint])

    for path, text in text_of_lock.items():
        atomic.write_text(path, _HEADER + text)
        say(f"{path}: {len(text.splitlines())} packages")


def _lock(path: Path, pins: list[str], constraints: list[Path]) -> str:
    locked = compile_lock(pins, constraints)

    # A build for GPUs would bring gigabytes that no stage needs.
    if "nvidia-" in locked:
        raise UserError(
            f"{path}: the resolver took a torch build for GPUs",
            "compile where a CPU build of torch is offered",
        )
    return locked


app = command(main)

if __name__ == "__main__":
    app()
