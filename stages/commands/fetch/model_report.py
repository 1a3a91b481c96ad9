"""What a person should know of the base model: its length, pooling and prompts, on a few lines."""

from __future__ import annotations

from stages.lib.core.model_config import ModelConfig, read_model_config
from stages.lib.core.model_folders import model_folder
from stages.lib.core.params import PARAMS_FILE, ModelParams
from stages.lib.core.yaml_files import read_yaml


def model_lines(params: ModelParams) -> list[str]:
    """Return a line about the base model, and notes on what is not used of it; [] without it."""
    folder = model_folder(params.base, params.revision)
    if folder is None:
        return []

    config = read_model_config(folder)
    length = f"{config.max_tokens} tokens" if config.max_tokens else "no limit of tokens"
    shown = {"query": params.anchor_prompt, "document": params.document_prompt}
    parts = [f"{use}: {prompt!r}" for use, prompt in shown.items() if prompt]
    prompts = f"prompts {', '.join(parts)}" if parts else "no prompts"
    return [
        f"model: {params.base}; {length}; {config.pooling} pooling; {prompts}",
        *_notes(params, config),
    ]


def _notes(params: ModelParams, config: ModelConfig) -> list[str]:
    """Return what the model says of its use that params.yaml does not follow."""
    notes: list[str] = []
    given = read_yaml(PARAMS_FILE).get("model", {})
    for key, own in (
        ("anchor_prompt", config.query_prompt),
        ("document_prompt", config.document_prompt),
    ):
        if given.get(key) is not None and given[key] != own:
            notes.append(
                f"note: model.{key} is {given[key]!r}; the model itself uses {own!r}, as null would"
            )
    if config.other_prompts:
        listed = ", ".join(config.other_prompts)
        notes.append(
            f"note: the model has more prompts ({listed}); set model.anchor_prompt to use one"
        )
    if config.similarity not in ("", "cosine"):
        notes.append(
            f"note: the model was trained for the similarity '{config.similarity}'; cosine is used"
        )
    return notes
