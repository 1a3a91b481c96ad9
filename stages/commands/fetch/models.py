"""Fetch a base model of a hub: safetensors alone, no pickles, and no code of its own.

The files lie in the folder of the environment. `model.sha256` of params.yaml pins all of them.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from stages.commands.fetch.hub import Repository, download, find_repository
from stages.lib.core import atomic
from stages.lib.core.errors import UserError
from stages.lib.core.model_config import read_json
from stages.lib.core.model_folders import hub_folder
from stages.lib.core.model_modules import (
    INDEX,
    MODULES,
    PICKLES,
    WEIGHTS,
    read_modules,
    weight_files,
)

SETTING = "params.yaml: model.base"
# What a model is made of, beside its weights.
_SUFFIXES = (".json", ".safetensors", ".txt", ".model", ".spm", ".vocab")
_PART = re.compile(r"model-\d{5}-of-\d{5}\.safetensors")
_REMEDY = "choose a model with a model.safetensors that sentence-transformers loads by itself"


def fetch_model(name: str, revision: str) -> tuple[Path, str]:
    """Return the folder of a model of a hub, which is downloaded, and its commit.

    Args:
        name: the model, OWNER/NAME.
        revision: a branch, tag or commit; "" for the main branch.

    Raises:
        UserError: the hub cannot be reached, or the model needs pickles or code.
    """
    repository = find_repository("model", name, revision, SETTING)
    target = hub_folder(name, repository.commit)
    target.parent.mkdir(parents=True, exist_ok=True)

    # Beside its place, so that it appears there whole.
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".fetch-") as temporary:
        folder = Path(temporary, "model")
        folders = _module_folders(repository, folder)
        files = files_to_fetch(repository, folders)
        download(repository, files, folder, SETTING)
        _check_code(repository, folder)
        weight_files(folder, f"{SETTING}: {repository.title}")

        # The library keeps notes on its downloads.
        shutil.rmtree(folder / ".cache", ignore_errors=True)
        with atomic.write(target, folder=True) as place:
            folder.rename(place)

    return target, repository.commit


def files_to_fetch(repository: Repository, folders: Sequence[str]) -> list[str]:
    """Return the files of a model that decide an embedding.

    Args:
        repository: the model.
        folders: its folders that hold a module; "" for the root.

    Raises:
        UserError: a module has pickled weights alone, or the model has none.
    """
    chosen: list[str] = []
    for folder in folders:
        inside = [file for file in repository.files if _folder_of(file) == folder]
        weights = [file for file in inside if file.endswith(".safetensors")]
        pickles = [file for file in inside if file.endswith(PICKLES)]
        if pickles and not weights:
            raise UserError(
                f"{SETTING}: {repository.title} has pickled weights alone ({pickles[0]}), which "
                "are never loaded: a pickle can run any code",
                _REMEDY,
            )
        is_split = INDEX in map(_name_of, inside) and WEIGHTS not in map(_name_of, inside)
        is_loaded = _is_part if is_split else _is_whole
        chosen += [file for file in inside if file.endswith(_SUFFIXES) and is_loaded(file)]

    if not any(file.endswith(".safetensors") for file in chosen):
        raise UserError(
            f"{SETTING}: {repository.title} has no weights of the name {WEIGHTS}", _REMEDY
        )
    return sorted(chosen)


def _module_folders(repository: Repository, folder: Path) -> list[str]:
    """Return the folders that hold a module; the root alone for a model without a list of them."""
    if MODULES not in repository.files:
        return [""]

    file = download(repository, [MODULES], folder, SETTING)[0]
    modules = read_modules(file, f"{SETTING}: {repository.title}")
    return sorted({"", *(module.folder for module in modules)})


def _check_code(repository: Repository, folder: Path) -> None:
    """Check that no configuration names code to run."""
    for path in sorted(folder.rglob("*config.json")):
        if "auto_map" in read_json(path):
            raise UserError(
                f"{SETTING}: {repository.title} needs code of its own (auto_map in {path.name}), "
                "which is never run",
                _REMEDY,
            )


def _folder_of(file: str) -> str:
    parent = PurePosixPath(file).parent.as_posix()
    return "" if parent == "." else parent


def _name_of(file: str) -> str:
    return PurePosixPath(file).name


# Other weights of the same folder, such as a variant in half precision, decide nothing.


def _is_whole(file: str) -> bool:
    """Return whether a file is loaded from a folder that holds its weights in one file."""
    is_index = file.endswith(".index.json")
    return not is_index and (not file.endswith(".safetensors") or _name_of(file) == WEIGHTS)


def _is_part(file: str) -> bool:
    """Return whether a file is loaded from a folder that holds its weights in several files."""
    name = _name_of(file)
    if file.endswith(".index.json"):
        return name == INDEX
    return not file.endswith(".safetensors") or _PART.fullmatch(name) is not None
