"""The model card: what the model was made of, in bytes that follow from that alone.

No row of the training data stands in it, no time and no path of this machine.
"""

from __future__ import annotations

import json
from pathlib import Path

from stages.finetune.params import FinetuneParams
from stages.lib.params import Model, Run

_PROMPTS = """
Put `{anchor}` before what is asked and `{document}` before what is searched, as in training;
`encode_query` and `encode_document` of sentence-transformers do.
"""


def card(
    data: str,
    base_sha256: str,
    dimensions: int,
    length: int,
    params: FinetuneParams,
    run: Run,
    model: Model,
    metrics: dict[str, float | int | str | bool],
) -> str:
    """Return the card, as the README.md of the model's folder.

    `data` is the hash of the rows that were trained on, `base_sha256` that of the base model's weights; `length`
    counts tokens. `metrics` are those of the stage.
    """
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
    facts = {
        "base model": f"`{base}`",
        "weights of the base model": f"SHA-256 `{base_sha256}`",
        "training rows": f"{metrics['rows']}, SHA-256 `{data}`",
        "loss": f"{metrics['loss']}",
        "dimensions": f"{dimensions}",
        "longest input": f"{length} tokens; what is longer is cut",
        "licence": params.licence or "not given; the terms of the base model and of the data hold",
    }
    if params.matryoshka_dims:
        shown = ", ".join(map(str, sorted(params.matryoshka_dims, reverse=True)))
        facts["dimensions"] += f"; trained to be cut to the first {shown}"
    settings = {**params.model_dump(exclude={"licence", "wandb"}), "seed": run.seed, "threads": run.threads}
    prompts = model.anchor_prompt or model.document_prompt
    parts = [
        "\n".join(["---", *head, "---"]),
        "# A sentence embedding model, fine-tuned by Pairsmith",
        "It maps texts to vectors; the answer to a question lies near it by cosine.",
        "\n".join(["| fact | value |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in facts.items())]),
        *(["**The data had failed validation; training was forced.**"] if metrics["forced"] else []),
        _PROMPTS.format(anchor=model.anchor_prompt, document=model.document_prompt).strip() if prompts else "",
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
