"""Contrastive training over planned batches, the same bits every time, also when it was killed in the middle.

On one kind of processor the weights depend on inputs, parameters, versions, seed and the number of threads, and on
nothing else. A GPU is faster and does not promise that.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

import pandas as pd
import typer

from stages.finetune import loop, losses
from stages.finetune.batches import Cutter, Planned
from stages.finetune.checkpoints import Checkpoints
from stages.finetune.devices import Device
from stages.finetune.params import FinetuneParams
from stages.finetune.stopping import Stopping
from stages.finetune.trackers import Trackers
from stages.lib.models import load_model

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

LOG_STEPS = 5
CPU = Device("cpu", False)


class Trained(NamedTuple):
    """The fine-tuned model, its loss curve (columns step, loss), and how many steps it took."""

    model: SentenceTransformer
    curve: pd.DataFrame
    steps: int


def train(
    base: Path,
    tokens: pd.DataFrame,
    batches: list[list[int]],
    params: FinetuneParams,
    seed: int,
    threads: int,
    trackers: Trackers,
    shape: Literal["ranking", "scores"] = "ranking",
    checkpoints: Checkpoints | None = None,
    stopping: Stopping | None = None,
    device: Device = CPU,
) -> Trained:
    """Return the model in `base` trained on `tokens`, a Tokens table, whose rows come in the order of `batches`.

    The model keeps the length of the stored lists as its longest input. `shape` is that of the data. Training goes
    on from the state in `checkpoints`, if there is one.
    """
    import torch
    from datasets import Dataset
    from transformers import PrinterCallback

    torch.set_num_threads(threads)
    columns = [
        name.removesuffix("_input_ids") for name in tokens.columns if name.endswith("_input_ids")
    ]
    model = load_model(base)
    model.max_seq_length = len(tokens["anchor_input_ids"].iloc[0])
    name = losses.choose(params, shape)
    state = checkpoints.read() if checkpoints else None
    if state:
        typer.echo(f"training goes on after step {state.step} of {len(batches)}", err=True)
        model.load_state_dict(state.model)
        for scalar in state.scalars:
            trackers.add(*scalar)
        if stopping:
            stopping.resume(state.stopping)
    trainer = loop.trainer(
        loop.Beside(state, checkpoints, stopping, trackers),
        model=model,
        args=_arguments(params, batches, state.step if state else 0, seed, device, trackers.logs),
        train_dataset=Dataset.from_dict({"row": list(range(len(tokens)))}),
        data_collator=cast("Any", Cutter(tokens, columns, shape == "scores")),
        loss=losses.build(name, model, base, params, device.kind),
    )
    trainer.remove_callback(PrinterCallback)  # the scalars tell it; DVC's output stays readable
    trainer.train()
    if stopping:
        stopping.keep_best(model)
    return Trained(
        model.to("cpu").eval(),
        pd.DataFrame(trackers.told("train/loss"), columns=["step", "loss"]),
        int(trainer.state.global_step),
    )


def _arguments(
    params: FinetuneParams,
    batches: list[list[int]],
    done: int,
    seed: int,
    device: Device,
    logs: Path,
) -> Any:
    from sentence_transformers import SentenceTransformerTrainingArguments

    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(logs),
        max_steps=len(batches),
        learning_rate=params.learning_rate,
        warmup_steps=params.warmup,  # below 1 it is a share of the steps
        seed=seed,
        full_determinism=device.kind
        != "mps",  # torch has no deterministic form of some operations there
        use_cpu=device.kind == "cpu",
        bf16=device.bf16,
        dataloader_num_workers=0,
        dataloader_pin_memory=device.kind == "cuda",
        batch_sampler=cast("Any", lambda *_, **__: Planned(batches[done:])),
        report_to="none",
        save_strategy="no",
        logging_steps=min(LOG_STEPS, len(batches)),  # a short run has a curve too
        disable_tqdm=not sys.stderr.isatty(),
        remove_unused_columns=False,
    )
    # Of several GPUs one: over parts of a batch the loss would see other negatives.
    arguments._n_gpu = min(arguments.n_gpu, 1)
    return arguments
