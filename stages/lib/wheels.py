"""Wheels that are read as data and never installed: which ones, where they lie, whether they are the right ones.

`[tool.pairsmith.wheels]` of pyproject.toml pins each by version and sha256. They lie in the environment's
own folder, like the packages, so that all checkouts which share an environment share them.
"""

from __future__ import annotations

import hashlib
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

from stages.lib.errors import Problem

PYPROJECT = Path("pyproject.toml")


class Wheel(NamedTuple):
    """A pinned wheel of pure Python."""

    name: str
    version: str
    sha256: str

    @property
    def path(self) -> Path:
        """Return where it lies, or is to lie."""
        folder = Path(sys.prefix) / "share" / "pairsmith"
        return folder / f"{self.name.replace('-', '_')}-{self.version}-py3-none-any.whl"

    @property
    def present(self) -> bool:
        """Whether the right file lies there."""
        return self.path.is_file() and self.matches(self.path)

    def matches(self, path: Path) -> bool:
        """Whether the file at `path` is this wheel, to the byte."""
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == self.sha256


def pinned(pyproject: Path = PYPROJECT) -> dict[str, Wheel]:
    """Return the wheels that `pyproject` pins, by name."""
    declared = (
        tomllib.loads(pyproject.read_text("utf-8"))
        .get("tool", {})
        .get("pairsmith", {})
        .get("wheels", {})
    )
    return {
        name: Wheel(name, pin["version"], pin["sha256"]) for name, pin in sorted(declared.items())
    }


def find(name: str, pyproject: Path = PYPROJECT) -> Path:
    """Return the file of the pinned wheel `name`, verified.

    Raises Problem when it is not pinned, not there, or not the pinned one.
    """
    wheel = pinned(pyproject).get(name)
    if wheel is None:
        raise Problem(
            f"{pyproject} pins no wheel {name}",
            f"restore [tool.pairsmith.wheels.{name}] in {pyproject}, as in git",
        )
    if not wheel.path.is_file():
        raise Problem(f"the wheel {wheel.path.name} is not in this environment", "run 'make setup'")
    if not wheel.present:
        raise Problem(
            f"the wheel {wheel.path.name} has another sha256 than {pyproject} pins",
            "run 'make setup'",
        )
    return wheel.path
