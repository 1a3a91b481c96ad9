"""Compile requirements*.txt from the dependency groups of pyproject.toml.

Each of the groups that not everybody needs becomes a file of its own, all others requirements.txt. Needs pip-tools,
which `make lock` installs. Local build suffixes are left out, so that every platform finds its own build.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import typer

from stages.lib.errors import Problem
from stages.lib.stage import command

APART = ("check", "presidio", "wandb")  # groups with a lock of their own: requirements-<group>.txt


def compile_lock(pins: list[str], constraints: list[Path]) -> str:
    """Return the compiled lock of `pins`: every package that they bring, at one exact version each."""
    with tempfile.TemporaryDirectory() as folder:
        wanted, lock = Path(folder, "wanted.in"), Path(folder, "lock.txt")
        wanted.write_text(
            "\n".join([*pins, *(f"-c {path.resolve()}" for path in constraints)]) + "\n", "utf-8"
        )
        options = [
            "--quiet",
            "--strip-extras",
            "--no-header",
            "--no-annotate",
            "--no-emit-index-url",
            "--no-emit-find-links",
        ]
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "piptools",
                "compile",
                *options,
                "--output-file",
                str(lock),
                str(wanted),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Problem(
                f"pip-compile failed: {done.stderr.strip()[-600:]}",
                "correct the pins in pyproject.toml; 'make lock' installs pip-tools",
            )
        lines = [
            line
            for line in lock.read_text("utf-8").splitlines()
            if line and not line.startswith(("#", "-"))
        ]
    return "\n".join(re.sub(r"\+[\w.]+$", "", line) for line in lines) + "\n"


def main(pyproject: Path = Path("pyproject.toml")) -> None:
    """Compile requirements*.txt from the dependency groups of pyproject.toml."""
    groups = tomllib.loads(pyproject.read_text("utf-8"))["dependency-groups"]
    main_lock = Path("requirements.txt")
    run = [pin for name, pins in groups.items() if name not in APART for pin in pins]
    apart = [
        (Path(f"requirements-{name}.txt"), groups[name], [main_lock])
        for name in APART
        if name in groups
    ]
    for path, pins, constraints in [(main_lock, run, list[Path]()), *apart]:
        locked = compile_lock(pins, constraints)
        if "nvidia-" in locked:
            raise Problem(
                f"{path}: the resolver took a torch build for GPUs",
                "compile where a CPU build of torch is offered",
            )
        header = "# Compiled by `make lock` from the dependency groups of pyproject.toml.\n"
        path.write_text(header + locked, "utf-8", newline="\n")
        typer.echo(f"{path}: {len(locked.splitlines())} packages")


app = command(main)

if __name__ == "__main__":
    app()
