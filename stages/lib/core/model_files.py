"""Models on disk: find them and check their pinned files. They are loaded without remote code."""

from __future__ import annotations

from pathlib import Path

from stages.lib.core.errors import UserError
from stages.lib.core.model_folders import (
    COMMIT,
    file_hash,
    hub_folder,
    is_repository,
    local_folder,
    model_hash,
)
from stages.lib.core.model_modules import own_weights, weight_files, weights_hash
from stages.lib.core.params import ModelParams

BASE_KEY = "params.yaml: model.base"

__all__ = [
    "BASE_KEY",
    "file_hash",
    "find_base_model",
    "find_model_folder",
    "model_hash",
    "own_weights",
    "weight_files",
    "weights_hash",
]


def find_base_model(params: ModelParams) -> Path:
    """Return the folder of the base model.

    With a revision it is a model of a hub, which `python -m stages fetch` has brought.

    Raises:
        UserError: the model is not here, its files are not the pinned ones, or as for
            `find_model_folder`.
    """
    name = params.base
    if params.revision:
        name = str(_find_hub_model(params))

    return find_model_folder(
        name,
        BASE_KEY,
        sha256=params.weights_sha256,
        hash_key="model.weights_sha256",
        files_sha256=params.sha256,
    )


def find_model_folder(
    name: str, key: str, sha256: str, hash_key: str, *, files_sha256: str = ""
) -> Path:
    """Return the folder of a model: a local path, or a folder in an installed package.

    Args:
        name: the path, or PACKAGE/FOLDER.
        key: says in errors where `name` stands, such as "params.yaml: model.base".
        sha256: the hash of the weights that are loaded, as `weights_hash` gives it; "" accepts any.
        hash_key: the key of params.yaml that holds it.
        files_sha256: `model.sha256`, the hash of all files; "" accepts any.

    Raises:
        UserError: the folder is not found, not all that is loaded are safetensors of its own, or a
            hash differs.
    """
    folder = local_folder(name)
    if folder is None:
        hub = ""
        if key == BASE_KEY and is_repository(name):
            hub = "; for a model of a hub, OWNER/NAME, run 'python -m stages fetch'"
        raise UserError(
            f"{key} '{name}' is no folder and in no installed package",
            "give the path of a sentence-transformers model, "
            f"or install the package that contains it{hub}",
        )

    # Only safetensors weights are safe to load, and only those of this folder are pinned.
    where = f"{key} '{name}'"
    actual = weights_hash(folder, where) if sha256 else ""
    if not sha256:
        weight_files(folder, where)
    if actual != sha256:
        also = f", and model.sha256 to {model_hash(folder)}" if files_sha256 else ""
        raise UserError(
            f"params.yaml: {hash_key} is {sha256[:12]}..., but the weights are {actual[:12]}...",
            f"if the new weights are meant, set it to {actual}{also}",
        )

    # Configuration and tokenizer decide the vectors too.
    if files_sha256 and model_hash(folder) != files_sha256:
        raise UserError(
            f"params.yaml: model.sha256 is {files_sha256[:12]}..., but the files of the model are "
            f"{model_hash(folder)[:12]}...",
            f"if the new files are meant, set it to {model_hash(folder)}",
        )
    return folder


def _find_hub_model(params: ModelParams) -> Path:
    """Return the folder of a model of a hub, after checking all of its files."""
    name = f"params.yaml: model.base '{params.base}'"
    if local_folder(params.base) is not None:
        raise UserError(
            f"{name} is a folder, and model.revision names a commit of a hub",
            'set revision and sha256 of the section model to ""',
        )
    if not COMMIT.fullmatch(params.revision) or not params.sha256:
        raise UserError(f"{name} is not pinned yet", "run 'python -m stages fetch'")

    folder = hub_folder(params.base, params.revision)
    if not folder.is_dir():
        raise UserError(
            f"{name} at commit {params.revision[:12]} is not in this environment",
            "run 'python -m stages fetch'",
        )

    actual = model_hash(folder)
    if actual != params.sha256:
        raise UserError(
            f"params.yaml: model.sha256 is {params.sha256[:12]}..., but the files in {folder} are "
            f"{actual[:12]}...",
            "remove that folder and run 'python -m stages fetch'",
        )
    return folder
