"""Loading a model whose folder is damaged ends in an error that names the file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stages.lib.core.errors import UserError
from stages.lib.core.model_modules import read_modules

_REMEDY = "save the model again, or fetch it again; an older copy of the folder does as well"
# What shows that a model of sentence-transformers has lost its list of modules.
_SIGNS = ("config_sentence_transformers.json", "sentence_bert_config.json")
# The longest prefix of a weight's name, in parts: `base_model.model.0.auto_model.` has four.
_LONGEST_PREFIX = 4


@contextmanager
def loading(folder: Path) -> Iterator[None]:
    """Turn whatever goes wrong in the block, which loads the model in `folder`, into a UserError.

    The libraries that read a model raise errors of many kinds and name no file, so the files are
    checked one by one then.

    Raises:
        UserError: the model cannot be loaded. The message names the damaged file, if it is clear.
    """
    check_modules(folder)
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        if isinstance(error, MemoryError | AssertionError):
            raise
        fault = damaged_file(folder) or _first_line(error)
        raise UserError(f"the model in {folder} cannot be loaded: {fault}", _REMEDY) from None


def check_modules(folder: Path) -> None:
    """Check that a model of sentence-transformers has its list of modules, and they their folders.

    Without the list the library makes up another model of the same weights.

    Raises:
        UserError: the list is missing or damaged, or names a folder that is not there.
    """
    path = folder / "modules.json"
    if not path.is_file():
        signs = [name for name in _SIGNS if (folder / name).is_file()]
        if signs:
            raise UserError(f"{folder} holds {signs[0]}, but no modules.json", _REMEDY)
        return

    for module in read_modules(path, str(folder)):
        # To normalize needs no files, and git keeps no empty folder.
        is_bare = module.kind.endswith("Normalize")
        if not is_bare and not (folder / module.folder).is_dir():
            raise UserError(f"{path} names the folder {module.folder!r}, which is missing", _REMEDY)


def check_weights(model: Any, files: Sequence[Path]) -> None:
    """Check that the weights of a loaded model come from its file.

    A library fills in weights that the file lacks with random numbers, and says so in a warning.
    A layer or two are often left out on purpose; more than half is another model's file.

    Args:
        model: the loaded model, with `named_parameters`.
        files: the safetensors files that it was loaded from.

    Raises:
        UserError: more than half of the weights are not in the files.
    """
    from safetensors import safe_open

    stored: set[str] = set()
    for path in files:
        with safe_open(path, framework="np") as file:
            stored.update(file.keys())
    endings = {ending for name in stored for ending in _endings(name)}

    # Either side may have a prefix, such as `bert.` in the file and `0.auto_model.` in the model.
    names = [name for name, _ in model.named_parameters()]
    missing = [
        name
        for name in names
        if not stored & set(_endings(name)) and ".".join(name.split(".")[2:]) not in endings
    ]
    if len(missing) * 2 > len(names):
        raise UserError(
            f"{files[0]} holds {len(names) - len(missing)} of the "
            f"{len(names)} weights of the model; {missing[0]} is missing",
            "the file is of another model: save the model again, or fetch it again",
        )


def damaged_file(folder: Path) -> str | None:
    """Return which file of a model is damaged, and how; None if none is by itself."""
    from safetensors import SafetensorError, safe_open

    for path in sorted(folder.rglob("*.json")):
        name = path.relative_to(folder)
        try:
            content = json.loads(path.read_bytes())
        except (ValueError, OSError) as error:
            return f"{name} is not readable JSON: {_first_line(error)}"
        if not isinstance(content, dict) and path.name != "modules.json":
            return f"{name} is no JSON object"
    for path in sorted(folder.rglob("*.safetensors")):
        try:
            with safe_open(path, framework="np"):
                pass
        except (SafetensorError, OSError) as error:
            return f"{path.relative_to(folder)} is no safetensors file: {_first_line(error)}"
    for path in sorted(folder.glob("*_*/")):
        if path.is_dir() and not any(path.iterdir()):
            return f"{path.name}/ is empty"
    config = folder / "config.json"
    if not config.is_file():
        return "config.json is missing"
    return None


def _endings(name: str) -> list[str]:
    """Return the name of a weight, and what is left of it behind a prefix of one to four parts.

    What is left has at least two parts. The limit keeps the work linear in the length of the name.

    >>> _endings("bert.pooler.dense.bias")
    ['bert.pooler.dense.bias', 'pooler.dense.bias', 'dense.bias']
    >>> _endings("bias")
    ['bias']
    """
    endings = [name]
    rest = name
    for _ in range(_LONGEST_PREFIX):
        rest = rest.partition(".")[2]
        if "." not in rest:
            break
        endings.append(rest)
    return endings


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200] or type(error).__name__
