"""Models on disk: find them, check their pinned weights, load them offline without remote code."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

from stages.lib.core.errors import UserError
from stages.lib.core.params import ModelParams


def find_base_model(params: ModelParams) -> Path:
    """Return the folder of the base model.

    Raises:
        UserError: as for `find_model_folder`.
    """
    return find_model_folder(
        params.base,
        "params.yaml: model.base",
        sha256=params.weights_sha256,
        hash_key="model.weights_sha256",
    )


def find_model_folder(name: str, key: str, sha256: str, hash_key: str) -> Path:
    """Return the folder of a model: a local path, or a folder in an installed package.

    `key` says in errors where `name` stands, such as "params.yaml: model.base". An empty `sha256`
    accepts any weights; `hash_key` is the key of params.yaml that holds it.

    Raises:
        UserError: the folder is not found, has no safetensors weights, or their hash differs.
    """
    # Take a local folder first, then one in a package.
    folder = Path(name)
    if not folder.is_dir():
        package_folder = _folder_in_package(name)
        if package_folder is None:
            raise UserError(
                f"{key} '{name}' is no folder and in no installed package",
                "give the path of a sentence-transformers model, "
                "or install the package that contains it",
            )
        folder = package_folder

    # Only safetensors weights are safe to load.
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise UserError(
            f"{key} '{name}': {folder.name}/ holds no model.safetensors",
            "save the model in that format; pickled weights are never loaded",
        )

    # Compare the weights with the pinned ones.
    if sha256:
        actual = file_hash(weights)
        if actual != sha256:
            raise UserError(
                f"params.yaml: {hash_key} is {sha256[:12]}..., "
                f"but the weights are {actual[:12]}...",
                f"if the new weights are meant, set it to {actual}",
            )

    return folder


def _folder_in_package(name: str) -> Path | None:
    """Return the folder `package/inside` of an installed package, if there is the package."""
    package, _, inside = name.partition("/")
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        return None

    return Path(spec.submodule_search_locations[0], inside)


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


def _is_about_model(file: Path) -> bool:
    # A model that is saved again with another card or licence keeps its cached embeddings.
    return file.suffix in {".md", ".py"} or file.name in {".gitattributes", "LICENSE"}


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
