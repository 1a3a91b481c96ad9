"""The files that the arguments of `init` name, one by one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from stages.commands.init.formats import is_known, known_suffixes
from stages.lib.core.errors import UserError


def expand(arguments: Sequence[str]) -> list[Path]:
    """Return the files that `arguments` name, each once, sorted within each argument.

    Raises:
        UserError: an argument names no file that can be read.
    """
    files: list[Path] = []
    for argument in arguments:
        files += _files_of(argument)
    return list(dict.fromkeys(files))


def _files_of(argument: str) -> list[Path]:
    path = Path(argument)
    if path.is_file():
        return [path]

    # A folder or a pattern stands for the files that can be read.
    inside = list(path.rglob("*")) if path.is_dir() else _matches(path)
    files = [file for file in inside if file.is_file() and is_known(file)]
    if files:
        return sorted(files)

    fact = f"{argument} holds no file" if inside or path.is_dir() else f"{argument} does not exist"
    raise UserError(fact, f"name a file that ends in one of {', '.join(known_suffixes())}")


def _matches(pattern: Path) -> list[Path]:
    """Return what a pattern such as exports/*.csv matches."""
    anchor = Path(pattern.anchor)
    relative = pattern.relative_to(anchor)
    return list(anchor.glob(relative.as_posix())) if relative.parts else []
