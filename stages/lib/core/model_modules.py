"""Which files of a model are loaded: the folders that modules.json names, and their weights.

sentence-transformers loads each module from its own folder. Where it finds no safetensors it takes
a pickle, and settings of the model can name weights, tokenizers or code elsewhere. Such a model is
refused before it is loaded, so that what loads is what is pinned.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from stages.lib.core.errors import UserError
from stages.lib.core.model_config import read_json
from stages.lib.core.model_folders import file_hash

MODULES = "modules.json"
WEIGHTS = "model.safetensors"
# Says which of several files holds which weights, where one file would be too large.
INDEX = "model.safetensors.index.json"
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".h5", ".msgpack", ".npz", ".joblib")
OWN_TYPES = "sentence_transformers."

# A router holds modules in folders below its own.
_ROUTERS = ("Router", "Asym")
_ROUTER_FILES = ("router_config.json", "config.json")
_ADAPTER = "adapter_config.json"

# Settings that name other files than those beside them, by the files that may hold them.
_ELSEWHERE = {
    "config.json": ("transformers_weights", "auto_map"),
    "tokenizer_config.json": ("auto_map",),
    "sentence_*_config.json": ("tokenizer_name_or_path", "processor_name"),
}
_ARGUMENT_KEYS = (
    "model_args",
    "model_kwargs",
    "tokenizer_args",
    "processor_kwargs",
    "config_args",
    "config_kwargs",
)
_ARGUMENTS_ELSEWHERE = (
    "adapter_kwargs",
    "adapter_name",
    "config",
    "from_flax",
    "from_tf",
    "gguf_file",
    "key_mapping",
    "pretrained_model_name_or_path",
    "state_dict",
    "subfolder",
    "use_safetensors",
    "variant",
)
_REMEDY = "choose a model of safetensors that sentence-transformers loads by itself"


class Module(NamedTuple):
    """A module of a model: its type, and its folder below that of the model ("" for the root)."""

    kind: str
    folder: str


def read_modules(file: Path, where: str) -> list[Module]:
    """Return the modules that a modules.json names, in its order.

    Raises:
        UserError: the file is damaged, a module is code of its own, or it lies outside the model.
            `where` names the model in the message.
    """
    modules: list[Module] = []
    for entry in _entries(file, where):
        module = Module(str(entry.get("type")), str(entry.get("path") or ""))
        _check_module(module, where)
        modules.append(module)
    return modules


def module_folders(folder: Path, where: str) -> list[str]:
    """Return the folders that hold a module, below `folder`; the root alone without modules.json.

    Raises:
        UserError: as for `read_modules`.
    """
    if not (folder / MODULES).is_file():
        return [""]

    folders: set[str] = {""}
    for module in read_modules(folder / MODULES, where):
        folders.add(module.folder)
        folders.update(_routed_folders(folder, module, where))
    return sorted(folders)


def weight_files(folder: Path, where: str) -> list[Path]:
    """Return the files of weights that are loaded from a model, sorted; each is safetensors.

    Args:
        folder: the folder of the model.
        where: what names the model in messages, such as "params.yaml: model.base 'x'".

    Raises:
        UserError: there are none, a module has pickled weights alone, or a setting of the model
            names files elsewhere.
    """
    root_is_loaded = _loads_root(folder, where)
    files: list[Path] = []
    for name in module_folders(folder, where):
        place = folder / name
        _check_settings(place, where)
        own = own_weights(place, where)
        if own:
            if name or root_is_loaded:
                files += own
            continue
        pickles = sorted(path.name for path in place.glob("*") if path.suffix in PICKLES)
        # The message about the root says what the whole model lacks.
        if name and pickles:
            raise UserError(
                f"{where}: {name}/ holds pickled weights alone ({pickles[0]}), which are never "
                "loaded: a pickle can run any code",
                _REMEDY,
            )

    if not files or (root_is_loaded and not own_weights(folder, where)):
        raise UserError(
            f"{where}: {folder.name}/ holds no {WEIGHTS}",
            "save the model in that format; pickled weights are never loaded",
        )
    return files


def own_weights(place: Path, where: str) -> list[Path]:
    """Return the files of weights in one folder, sorted: one, those of an index, or none.

    Raises:
        UserError: the index is damaged, or names a file that is missing or outside the folder.
    """
    if (place / WEIGHTS).is_file():
        return [place / WEIGHTS]
    if not (place / INDEX).is_file():
        return []

    names = read_json(place / INDEX).get("weight_map")
    if not isinstance(names, dict) or not names or not all(map(_is_shard, names.values())):
        raise UserError(
            f"{where}: its {INDEX} names no files of safetensors beside it",
            "save the model again, or fetch it again",
        )
    files = [place / name for name in sorted(set(names.values()))]
    for file in files:
        if not file.is_file():
            raise UserError(
                f"{where}: {file.name} is missing, which {INDEX} names",
                "save the model again, or fetch it again",
            )
    return files


def weights_hash(folder: Path, where: str) -> str:
    """Return the SHA-256 of the weights that are loaded.

    Of several files it is that of the lines "place sha256", such as
    "2_Dense/model.safetensors 53aa...".

    Raises:
        UserError: as for `weight_files`.
    """
    files = weight_files(folder, where)
    if len(files) == 1:
        return file_hash(files[0])

    # An index decides which weights are taken from its files.
    for index in sorted({file.with_name(INDEX) for file in files if file.name != WEIGHTS}):
        files.append(index)
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(folder).as_posix()} {file_hash(file)}\n".encode())
    return digest.hexdigest()


def _is_shard(name: object) -> bool:
    return (
        isinstance(name, str)
        and name.endswith(".safetensors")
        and "\\" not in name
        and PurePosixPath(name).name == name
    )


def _entries(file: Path, where: str) -> list[dict[str, Any]]:
    try:
        entries = json.loads(file.read_text("utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        entries = None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise UserError(f"{where}: its {MODULES} is damaged", _REMEDY)
    return entries


def _check_module(module: Module, where: str) -> None:
    if not module.kind.startswith(OWN_TYPES):
        raise UserError(
            f"{where} needs code of its own (the module {module.kind}), which is never run", _REMEDY
        )
    path = PurePosixPath(module.folder)
    if path.is_absolute() or ".." in path.parts or "\\" in module.folder:
        raise UserError(
            f"{where}: its {MODULES} names the folder '{module.folder}', which is outside of it",
            _REMEDY,
        )


def _routed_folders(folder: Path, module: Module, where: str) -> Iterator[str]:
    """Yield the folders of the modules inside a router."""
    if module.kind.rpartition(".")[2] not in _ROUTERS:
        return
    for name in _ROUTER_FILES:
        types = read_json(folder / module.folder / name).get("types")
        if isinstance(types, dict):
            for inside, kind in sorted(types.items()):
                below = Module(str(kind), PurePosixPath(module.folder, inside).as_posix())
                _check_module(below, where)
                yield below.folder
                yield from _routed_folders(folder, below, where)
            return


def _loads_root(folder: Path, where: str) -> bool:
    """Return whether weights are loaded from the root of a model, and not from below it alone."""
    if not (folder / MODULES).is_file():
        return True
    modules = read_modules(folder / MODULES, where)
    return not modules or any(
        module.folder in ("", ".") and module.kind.rpartition(".")[2] not in _ROUTERS
        for module in modules
    )


def _check_settings(place: Path, where: str) -> None:
    """Check that no setting beside a module names weights, tokenizers or code elsewhere."""
    if (place / _ADAPTER).exists():
        raise UserError(
            f"{where}: {_ADAPTER} makes it an adapter of another model, which is not pinned",
            "merge the adapter into its model, and save that",
        )
    for pattern, keys in _ELSEWHERE.items():
        for file in sorted(place.glob(pattern)):
            settings = read_json(file)
            named = [key for key in keys if settings.get(key) is not None]
            for key in _ARGUMENT_KEYS:
                named += [f"{key}.{name}" for name in _arguments_elsewhere(settings.get(key))]
            if named:
                raise UserError(
                    f"{where}: {file.name} sets {named[0]}, so other files would be loaded than "
                    "those that are pinned",
                    _REMEDY,
                )


def _arguments_elsewhere(arguments: Any) -> list[str]:
    """Return the names of the arguments that would load other files than those beside them."""
    if not isinstance(arguments, dict):
        return []
    harmless = {"use_safetensors": True}
    return [
        name
        for name in _ARGUMENTS_ELSEWHERE
        if arguments.get(name) not in (None, harmless.get(name))
    ]
