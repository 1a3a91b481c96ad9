"""What a model says about its own use: prompts, longest text, pooling and similarity.

The files are those of sentence-transformers. They are read without loading the model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from stages.lib.core.errors import UserError

# The names that sentence-transformers looks for, in this order.
_QUERY_NAMES = ("query",)
_DOCUMENT_NAMES = ("document", "passage", "corpus")
_POOLING = "pooling_mode"
# Tokenizers without a limit write a number of thirty digits.
_NO_LIMIT = 10**6


class ModelConfig(NamedTuple):
    """What a model says about its own use.

    Attributes:
        query_prompt: the text before every query; "" for none.
        document_prompt: the text before every document; "" for none.
        other_prompts: the names of prompts for other uses.
        max_tokens: the tokens of a text that are read; None if it is not said.
        pooling: how the vectors of the tokens become one, such as `mean`.
        similarity: the similarity that it was trained for; "" if it is not said.
    """

    query_prompt: str = ""
    document_prompt: str = ""
    other_prompts: tuple[str, ...] = ()
    max_tokens: int | None = None
    pooling: str = "mean"
    similarity: str = ""


def read_model_config(folder: Path) -> ModelConfig:
    """Return what the model in `folder` says about its own use.

    Raises:
        UserError: a file of it is not JSON.
    """
    model = read_json(folder / "config_sentence_transformers.json")
    prompts = model.get("prompts") or {}
    default = model.get("default_prompt_name")
    used = {*_QUERY_NAMES, *_DOCUMENT_NAMES, default}
    return ModelConfig(
        query_prompt=_prompt(prompts, _QUERY_NAMES, default),
        document_prompt=_prompt(prompts, _DOCUMENT_NAMES, default),
        other_prompts=tuple(sorted(name for name in prompts if name not in used)),
        max_tokens=_max_tokens(folder),
        pooling=_pooling(folder),
        similarity=str(model.get("similarity_fn_name") or ""),
    )


def own_prompts(
    folder: Path, anchor_prompt: str | None, document_prompt: str | None
) -> tuple[str, str]:
    """Return the prompts of anchors and of documents; for None that of the model in `folder`.

    Raises:
        UserError: a file of the model is not JSON.
    """
    config = read_model_config(folder)
    return (
        config.query_prompt if anchor_prompt is None else anchor_prompt,
        config.document_prompt if document_prompt is None else document_prompt,
    )


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file of a model; {} if there is no such file.

    Raises:
        UserError: the file is not a JSON object.
    """
    if not path.is_file():
        return {}
    try:
        values = json.loads(path.read_text("utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path} is not readable JSON: {error}", "save the model again, or fetch it again"
        ) from None
    if not isinstance(values, dict):
        raise UserError(f"{path} is not a JSON object", "save the model again")
    return values


def _prompt(prompts: Mapping[str, Any], names: tuple[str, ...], default: str | None) -> str:
    """Return the first prompt with one of the names; the default where there is no such name."""
    own = [str(prompts[name] or "") for name in names if name in prompts]
    if own:
        return next((prompt for prompt in own if prompt), "")
    return str(prompts.get(default) or "") if default else ""


def _max_tokens(folder: Path) -> int | None:
    limits = [
        read_json(folder / "sentence_bert_config.json").get("max_seq_length"),
        read_json(folder / "tokenizer_config.json").get("model_max_length"),
        read_json(folder / "config.json").get("max_position_embeddings"),
    ]
    usable = [limit for limit in limits if isinstance(limit, int) and 0 < limit < _NO_LIMIT]
    # What sentence-transformers says comes before the limits of the tokenizer and the network.
    return usable[0] if limits[0] else min(usable, default=None)


def _pooling(folder: Path) -> str:
    for path in sorted(folder.glob("*_Pooling/config.json")):
        config = read_json(path)
        modes = config.get(_POOLING) or [
            key.removeprefix(f"{_POOLING}_").removesuffix("_tokens").removesuffix("_token")
            for key, is_used in sorted(config.items())
            if key.startswith(f"{_POOLING}_") and is_used is True
        ]
        return modes if isinstance(modes, str) else " and ".join(map(str, modes)) or "mean"

    return "mean"
