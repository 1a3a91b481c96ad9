"""Models on disk: found, checked against their pinned weights, loaded offline and without remote code."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from stages.lib.errors import Problem
from stages.lib.params import Model

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


def find_model(params: Model) -> Path:
    """Return the folder of the base model. Errors as for `find`."""
    return find(params.base, "model.base", params.weights_sha256, "model.weights_sha256")


def find(named: str, key: str, sha256: str, hash_key: str) -> Path:
    """Return the folder of the model that the parameter `key` names: a local path, or one inside an installed package.

    Raises Problem when it is neither, has no safetensors weights, or their hash is not `sha256`, the value of
    `hash_key`; "" accepts any.
    """
    folder = Path(named)
    if not folder.is_dir():
        package, _, inside = named.partition("/")
        found = importlib.util.find_spec(package) if package.isidentifier() else None
        if found is None or not found.submodule_search_locations:
            raise Problem(
                f"params.yaml: {key} '{named}' is no folder and in no installed package",
                "give the path of a sentence-transformers model, or install the package that carries it",
            )
        folder = Path(found.submodule_search_locations[0], inside)
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise Problem(
            f"params.yaml: {key} = '{named}': {folder.name}/ holds no model.safetensors",
            "save the model in that format; pickled weights are never loaded",
        )
    if sha256 and (actual := file_hash(weights)) != sha256:
        raise Problem(
            f"params.yaml: {hash_key} is {sha256[:12]}..., but the weights are {actual[:12]}...",
            f"if the new weights are meant, set it to {actual}",
        )
    return folder


def load_model(folder: Path) -> SentenceTransformer:
    """Return the model in `folder`, on the CPU, from this disk and without remote code."""
    from sentence_transformers import SentenceTransformer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # type: ignore[no-untyped-call]  # it would be drawn also where there is no terminal
    return SentenceTransformer(
        str(folder), device="cpu", local_files_only=True, trust_remote_code=False
    )


def fingerprint(folder: Path) -> str:
    """Return a hash of every file in `folder` that decides an embedding."""
    digest = hashlib.sha256()
    # Cards and licences decide nothing; a model re-saved with another card keeps its cache.
    files = [
        file
        for file in sorted(folder.rglob("*"))
        if file.is_file()
        and file.suffix not in {".md", ".py"}
        and file.name not in {".gitattributes", "LICENSE"}
    ]
    for file in files:
        digest.update(f"{file.relative_to(folder).as_posix()} {file_hash(file)}\n".encode())
    return digest.hexdigest()


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
