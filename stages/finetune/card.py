"""The model card: what the model was made of, in bytes that follow from that alone.

No row of the training data stands in it, no time and no path of this machine.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from stages.finetune.params import FinetuneParams
from stages.lib.models import file_hash
from stages.lib.params import Model, Run

_PROMPTS = """
Put `{anchor}` before what is asked and `{document}` before what is searched, as in training;
`encode_query` and `encode_document` of sentence-transformers do.
"""


class Facts(NamedTuple):
    """What a model is made of: the hash of its training rows, the folder of its base, numbers, tokens it reads."""

    data: str
    base: Path
    dimensions: int
    length: int


def card(
    facts: Facts,
    params: FinetuneParams,
    run: Run,
    model: Model,
    metrics: dict[str, float | int | str | bool],
) -> str:
    """Return the card, as the README.md of the model's folder; `metrics` are those of the stage."""
    head = [
        *([f"license: {json.dumps(params.licence)}"] if params.licence else []),
        "library_name: sentence-transformers",
        "pipeline_tag: sentence-similarity",
        "tags:",
        "- sentence-transformers",
        "- feature-extraction",
    ]
    # A path of this machine tells others nothing.
    base = Path(model.base).name if Path(model.base).is_absolute() else model.base
    rows = {
        "base model": f"`{base}`",
        "weights of the base model": f"SHA-256 `{file_hash(facts.base / 'model.safetensors')}`",
        "training rows": f"{metrics['rows']}, SHA-256 `{facts.data}`",
        "loss": f"{metrics['loss']}",
        "dimensions": f"{facts.dimensions}",
        "longest input": f"{facts.length} tokens; what is longer is cut",
        "licence": params.licence or "not given; the terms of the base model and of the data hold",
    }
    if params.matryoshka_dims:
        shown = ", ".join(map(str, sorted(params.matryoshka_dims, reverse=True)))
        rows["dimensions"] += f"; trained to be cut to the first {shown}"
    settings = {
        **params.model_dump(exclude={"licence", "wandb"}),
        "seed": run.seed,
        "threads": run.threads,
    }
    prompts = model.anchor_prompt or model.document_prompt
    parts = [
        "\n".join(["---", *head, "---"]),
        "# A sentence embedding model, fine-tuned by Pairsmith",
        "It maps texts to vectors; the answer to a question lies near it by cosine.",
        "\n".join(
            [
                "| fact | value |",
                "| --- | --- |",
                *(f"| {name} | {value} |" for name, value in rows.items()),
            ]
        ),
        *(
            ["**The data had failed validation; training was forced.**"]
            if metrics["forced"]
            else []
        ),
        _PROMPTS.format(anchor=model.anchor_prompt, document=model.document_prompt).strip()
        if prompts
        else "",
        _table("Parameters", settings),
        _table("Metrics of training", dict(sorted(metrics.items()))),
        "How it ranks, against the base model and BM25 and with intervals, is told by `metrics/evaluate.json` of the "
        "project.\nThe same rows, parameters, package versions and number of threads give the same weights on one kind "
        "of processor.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(title: str, values: dict[str, object]) -> str:
    rows = [f"| {name} | {json.dumps(_told(value))} |" for name, value in values.items()]
    return "\n".join([f"## {title}", "", "| name | value |", "| --- | --- |", *rows])


def _told(value: object) -> object:
    return round(value, 4) + 0.0 if isinstance(value, float) and abs(value) >= 0.01 else value
