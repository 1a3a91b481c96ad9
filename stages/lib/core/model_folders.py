"""Where models lie: a folder, a folder in an installed package, or one that `fetch` has brought.

Models of a hub lie in the folder of the environment, so all checkouts that share an environment
share them.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
import sys
from pathlib import Path

_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
COMMIT = re.compile(r"[0-9a-f]{40}")


def is_repository(name: str) -> bool:
    """Return whether `name` may be a model of a hub, OWNER/NAME.

    >>> is_repository("intfloat/e5-small-v2"), is_repository("../models/e5")
    (True, False)
    """
    return _REPOSITORY.fullmatch(name) is not None


def local_folder(name: str) -> Path | None:
    """Return a folder of this machine, or one in an installed package; None if there is neither."""
    folder = Path(name)
    return folder if folder.is_dir() else _folder_in_package(name)


def hub_folder(name: str, commit: str) -> Path:
    """Return the folder of a model of a hub at a commit, which need not exist.

    >>> hub_folder("intfloat/e5-small-v2", "c0ffee").parts[-2:]
    ('intfloat--e5-small-v2', 'c0ffee')
    """
    folder = Path(sys.prefix, "share", "pairsmith", "models")
    return folder / name.replace("/", "--") / commit


def model_folder(name: str, revision: str) -> Path | None:
    """Return the folder of a model, without checking what is in it; None if there is none."""
    if not revision:
        return local_folder(name)
    folder = hub_folder(name, revision)
    return folder if COMMIT.fullmatch(revision) and folder.is_dir() else None


def model_hash(folder: Path) -> str:
    """Return a hash of every file in `folder` that decides an embedding."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if not file.is_file() or _is_about_model(file):
            continue

        # The hash depends on the content and on the place of each file in the folder.
        relative_path = file.relative_to(folder).as_posix()
        digest.update(f"{relative_path} {file_hash(file)}\n".encode())
    return digest.hexdigest()


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_about_model(file: Path) -> bool:
    # A model that is saved again with another card or licence keeps its cached embeddings.
    return file.suffix in {".md", ".py"} or file.name in {".gitattributes", "LICENSE"}


def _folder_in_package(name: str) -> Path | None:
    """Return the folder `package/inside` of an installed package, if there is the package."""
    package, _, inside = name.partition("/")
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        return None

    return Path(spec.submodule_search_locations[0], inside)
