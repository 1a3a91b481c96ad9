"""What a run reports: its scalars, and the card of the model.

TensorBoard always has the scalars; Weights & Biases has them if params.yaml asks for it. Both lie
in `runs/`, outside git and DVC. The bytes of the card follow from what the model was trained on: it
holds no training row, no time and no path of this machine.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from stages.finetune.interface import FinetuneParams
from stages.lib.core.errors import UserError
from stages.lib.core.model_files import weights_hash
from stages.lib.core.params import ModelParams, RunParams, sample_mark
from stages.lib.core.stage import check_pins

PROJECT = "pairsmith"
RUNS = Path("runs/finetune")

_PROMPTS = """
Put `{anchor}` before what is asked and `{document}` before what is searched, as in training;
`encode_query` and `encode_document` of sentence-transformers do.
"""


class Tracker:
    """The scalars of a run in their order. They are kept, and passed on.

    Args:
        logs: the folder of the run. What lies there is replaced: two runs would show as one curve.
        wandb: whether Weights & Biases gets the scalars too.
        settings: the parameters of the run, for Weights & Biases.
    """

    def __init__(
        self, logs: Path, wandb: Literal["off", "offline", "online"], settings: dict[str, Any]
    ) -> None:
        from torch.utils.tensorboard import SummaryWriter

        # Two curves in one folder are drawn as one. So the old one stands beside the new one, until
        # that is complete. What a run has left that did not end is no curve to keep.
        self.logs = logs
        self._before = logs.with_name(f"{logs.name}.before")
        if logs.exists() and not self._before.exists():
            logs.rename(self._before)
        shutil.rmtree(logs, ignore_errors=True)

        self._writer = SummaryWriter(str(logs))
        self._run = None if wandb == "off" else _start_wandb(logs, wandb, settings)
        self.scalars: list[tuple[str, float, int]] = []

    def add(self, name: str, value: float, step: int) -> None:
        """Record that `name` was `value` after `step`."""
        self.scalars.append((name, value, step))
        self._writer.add_scalar(name, value, step)
        if self._run is not None:
            self._run.log({name: value}, step=step)

    def history(self, name: str) -> list[tuple[int, float]]:
        """Return step and value of every scalar `name` so far."""
        return [(step, value) for scalar, value, step in self.scalars if scalar == name]

    def close(self) -> None:
        """Flush the scalars to disk, and remove the curve of the run before."""
        self._writer.close()
        if self._run is not None:
            self._run.finish()
        shutil.rmtree(self._before, ignore_errors=True)


def check_wandb(mode: Literal["off", "offline", "online"]) -> None:
    """Refuse to train with a tracker that is not installed, or not in the pinned version.

    Raises:
        UserError: Weights & Biases is asked for and is not there.
    """
    if mode == "off":
        return

    # Only this parameter needs the package, so it is checked here and not for every run.
    try:
        check_pins(("wandb",))
    except UserError as problem:
        raise UserError(
            f"params.yaml: finetune.wandb is {mode}: {problem.fact}",
            "run '.venv/bin/python -m pip install -r requirements-wandb.txt', or set it to off",
        ) from None


def _start_wandb(
    logs: Path, mode: Literal["off", "offline", "online"], settings: dict[str, Any]
) -> Any:
    """Return a run of Weights & Biases.

    It gets numbers and parameters only: no code, git state, host, or printed text.
    """
    import wandb

    try:
        return wandb.init(
            project=PROJECT,
            name=logs.name,
            dir=str(logs),
            mode=mode,
            config=settings,
            settings=wandb.Settings(
                console="off",
                host="-",
                silent=True,
                disable_git=True,
                disable_code=True,
                save_code=False,
                x_disable_stats=True,
                x_disable_meta=True,
                x_disable_machine_info=True,
            ),
        )
    except wandb.Error as error:
        raise UserError(
            f"params.yaml: finetune.wandb is {mode}, but no run could be started: {error}",
            "log in with 'wandb login', or set finetune.wandb: offline and run 'wandb sync' later",
        ) from None


def run_name(*decisive: str) -> str:
    """Return a short name that is the same for the same data and settings."""
    text = "\n".join(decisive)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:10]


class ModelFacts(NamedTuple):
    """What a model was made of.

    Attributes:
        rows_sha256: the hash of the training rows.
        base: the folder of the base model.
        dimensions: the length of an embedding.
        max_tokens: how many tokens the model reads.
    """

    rows_sha256: str
    base: Path
    dimensions: int
    max_tokens: int


def model_card(
    facts: ModelFacts,
    params: FinetuneParams,
    run: RunParams,
    *,
    model: ModelParams,
    metrics: Mapping[str, float | int | str | bool],
) -> str:
    """Return the card, the README.md in the folder of the model.

    Args:
        facts: what the model was made of.
        params: the parameters of training.
        run: seed and threads.
        model: the section `model` of params.yaml, for the prompts.
        metrics: those of the stage.
    """
    # The licence stands in the head; the tracker changes nothing.
    settings = {
        **params.model_dump(exclude={"licence", "wandb"}),
        "seed": run.seed,
        "threads": run.threads,
        **sample_mark(run.sample),
        "device": run.device,
        "precision": run.precision,
    }

    # Parts that are empty are left out.
    warning = "**The data had failed validation; training was forced.**"
    prompts = _PROMPTS.format(anchor=model.anchor_prompt, document=model.document_prompt).strip()
    has_prompts = bool(model.anchor_prompt or model.document_prompt)

    parts = [
        _card_head(params.licence),
        "# A sentence embedding model, fine-tuned by Pairsmith",
        "It maps texts to vectors; the answer to a question lies near it by cosine.",
        _fact_table(facts, params, model, metrics=metrics),
        warning if metrics["forced"] else "",
        prompts if has_prompts else "",
        _value_table("Parameters", settings),
        _value_table("Metrics of training", dict(sorted(metrics.items()))),
        "`metrics/details/evaluate.json` of the project says how it ranks beside the base model "
        "and BM25, with intervals.\n"
        "The same rows, parameters, package versions and number of threads give the same weights "
        "on one kind of processor.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _card_head(licence: str) -> str:
    """Return the YAML head, which model hubs read."""
    lines = ["---"]

    # Without a licence the line is left out.
    if licence:
        lines.append(f"license: {json.dumps(licence)}")

    lines += [
        "library_name: sentence-transformers",
        "pipeline_tag: sentence-similarity",
        "tags:",
        "- sentence-transformers",
        "- feature-extraction",
        "---",
    ]
    return "\n".join(lines)


def _fact_table(
    facts: ModelFacts,
    params: FinetuneParams,
    model: ModelParams,
    metrics: Mapping[str, float | int | str | bool],
) -> str:
    """Return what the model was made of, as a table in Markdown."""
    # A path of this machine means nothing to others.
    base_name = Path(model.base).name if Path(model.base).is_absolute() else model.base
    base_sha256 = weights_hash(facts.base, "the base model")

    # The vector can be cut to these dimensions.
    dimensions = f"{facts.dimensions}"
    if params.matryoshka_dims:
        shorter = ", ".join(map(str, sorted(params.matryoshka_dims, reverse=True)))
        dimensions += f"; trained to be cut to the first {shorter}"

    rows = {
        "base model": f"`{base_name}`",
        "weights of the base model": f"SHA-256 `{base_sha256}`",
        "training rows": f"{metrics['rows']}, SHA-256 `{facts.rows_sha256}`",
        "loss": f"{metrics['loss']}",
        "dimensions": dimensions,
        "longest input": f"{facts.max_tokens} tokens; what is longer is cut",
        "licence": params.licence or "not given; the terms of the base model and of the data hold",
    }
    lines = [f"| {name} | {value} |" for name, value in rows.items()]
    return "\n".join(["| fact | value |", "| --- | --- |", *lines])


def _value_table(title: str, values: Mapping[str, object]) -> str:
    """Return a heading and a table in Markdown, values as JSON."""
    lines = [f"| {name} | {json.dumps(_rounded(value))} |" for name, value in values.items()]
    return "\n".join([f"## {title}", "", "| name | value |", "| --- | --- |", *lines])


def _rounded(value: object) -> object:
    """Return a float of at least 0.01 with four digits, without -0.0; other values unchanged."""
    if isinstance(value, float) and abs(value) >= 0.01:
        return round(value, 4) + 0.0
    return value
