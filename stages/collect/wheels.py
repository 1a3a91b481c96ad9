"""Wheels that are read as data and never installed.

`[tool.pairsmith.wheels]` of pyproject.toml pins each by version and SHA-256. The files are in
the folder of the environment, like the packages, so all checkouts that share an environment
share them.
"""

from __future__ import annotations

import hashlib
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

from stages.lib.core.errors import UserError

PYPROJECT = Path("pyproject.toml")


class Wheel(NamedTuple):
    """A pinned wheel of pure Python."""

    name: str
    version: str
    sha256: str

    @property
    def path(self) -> Path:
        """The file in this environment, which need not exist.

        >>> Wheel("my-data", version="1.0", sha256="").path.name
        'my_data-1.0-py3-none-any.whl'
        """
        # In the environment and not in the checkout, since checkouts share environments.
        folder = Path(sys.prefix) / "share" / "pairsmith"
        package = self.name.replace("-", "_")
        return folder / f"{package}-{self.version}-py3-none-any.whl"

    @property
    def present(self) -> bool:
        """Whether the file exists and is the pinned one."""
        return self.path.is_file() and self.matches(self.path)

    def matches(self, path: Path) -> bool:
        """Return True if the file at `path` has the pinned SHA-256."""
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == self.sha256


def pinned_wheels(pyproject: Path = PYPROJECT) -> dict[str, Wheel]:
    """Return the wheels that `pyproject` pins, by name."""
    settings = tomllib.loads(pyproject.read_text("utf-8"))

    # The section may be missing.
    tools = settings.get("tool", {})
    pins = tools.get("pairsmith", {}).get("wheels", {})

    return {
        name: Wheel(name, version=pin["version"], sha256=pin["sha256"])
        for name, pin in sorted(pins.items())
    }


def find_wheel(name: str, pyproject: Path = PYPROJECT) -> Path:
    """Return the file of the pinned wheel `name`, after checking its hash.

    Raises:
        UserError: the wheel is not pinned, not in the environment, or not the pinned file.
    """
    wheel = pinned_wheels(pyproject).get(name)
    if wheel is None:
        raise UserError(
            f"{pyproject} pins no wheel {name}",
            f"restore [tool.pairsmith.wheels.{name}] in {pyproject}, as in git",
        )

    # The file must exist and be the pinned one.
    if not wheel.path.is_file():
        raise UserError(
            f"the wheel {wheel.path.name} is not in this environment",
            "run 'make setup'",
        )
    if not wheel.present:
        raise UserError(
            f"the wheel {wheel.path.name} has another sha256 than {pyproject} pins",
            "run 'make setup'",
        )

    return wheel.path
