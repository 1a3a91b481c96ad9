"""Contrastive training over planned batches: the same bits every time, also after a kill.

On one kind of processor the weights depend on inputs, parameters, versions, seed and the number of
threads, and on nothing else. A GPU is faster and does not promise that.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

import pandas as pd

from stages.finetune import losses
from stages.finetune.batches import PlannedBatchSampler, TokenCollator
from stages.finetune.checkpoints import State
from stages.finetune.hooks import TrainingHooks
from stages.finetune.interface import FinetuneParams
from stages.lib.core.device import CPU, Device
from stages.lib.core.terminal import say_error
from stages.lib.retrieval.encoder import load_model

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

LOG_STEPS = 5


@dataclass(frozen=True)
class TrainingJob:
    """What is trained, on what, and how. All of it decides the weights.

    Attributes:
        base: the folder of the base model.
        tokens: a table of Tokens. The model keeps the length of its lists as its longest input.
        batches: the row indices of each step.
        params: learning rate, loss and so on.
        seed: the seed of dropout.
        threads: how many threads torch uses.
        shape: what a row is, a ranking or a pair with a score.
        device: where training computes.
    """

    base: Path
    tokens: pd.DataFrame
    batches: list[list[int]]
    params: FinetuneParams
    seed: int
    threads: int
    shape: Literal["ranking", "scores"] = "ranking"
    device: Device = CPU


class Trained(NamedTuple):
    """The fine-tuned model, its loss curve (columns step, loss), and the number of steps."""

    model: SentenceTransformer
    curve: pd.DataFrame
    steps: int

    @property
    def dimensions(self) -> int:
        """Return the length of an embedding."""
        return int(self.model.get_embedding_dimension() or 0)


def train(job: TrainingJob, hooks: TrainingHooks) -> Trained:
    """Return the trained model of `job`. Training goes on from the checkpoint, if there is one."""
    import torch
    from datasets import Dataset
    from transformers import PrinterCallback

    # The loop subclasses classes of the library, which take seconds to import.
    from stages.finetune.loop import ResumableTrainer

    # The number of threads decides the last bits of sums.
    torch.set_num_threads(job.threads)

    # The model, as it is or as the checkpoint left it.
    model = load_model(job.base)
    model.max_seq_length = len(job.tokens["anchor_input_ids"].iloc[0])
    state = hooks.checkpoints.read() if hooks.checkpoints else None
    if state:
        _resume(model, state, hooks, step_count=len(job.batches))

    # The dataset holds row indices; the collator looks the tokens up.
    suffix = "_input_ids"
    columns = [name.removesuffix(suffix) for name in job.tokens.columns if name.endswith(suffix)]
    trainer = ResumableTrainer(
        hooks,
        state,
        model=model,
        args=_training_arguments(job, hooks.tracker.logs, first_step=state.step if state else 0),
        train_dataset=Dataset.from_dict({"row": list(range(len(job.tokens)))}),
        data_collator=cast("Any", TokenCollator(job.tokens, columns, scored=job.shape == "scores")),
        loss=losses.build(
            losses.select_loss(job.params, job.shape),
            model,
            job.base,
            params=job.params,
            device=job.device,
        ),
    )

    # The tracker has the scalars. Without this callback the output of DVC stays readable.
    trainer.remove_callback(PrinterCallback)
    trainer.train()

    # The last weights need not be the best ones.
    if hooks.early_stopping:
        hooks.early_stopping.keep_best(model)

    return Trained(
        model=model.to("cpu").eval(),
        curve=pd.DataFrame(hooks.tracker.history("train/loss"), columns=["step", "loss"]),
        steps=int(trainer.state.global_step),
    )


def _resume(
    model: SentenceTransformer, state: State, hooks: TrainingHooks, step_count: int
) -> None:
    """Put the model, the tracker and early stopping where the checkpoint left them."""
    say_error(f"training goes on after step {state.step} of {step_count}")
    model.load_state_dict(state.model)

    # The curve is replayed, so that it is whole.
    for scalar in state.scalars:
        hooks.tracker.add(*scalar)

    if hooks.early_stopping:
        hooks.early_stopping.resume(state.early_stopping)


def _training_arguments(job: TrainingJob, logs: Path, first_step: int) -> Any:
    """Return the arguments of the library's trainer for the batches from `first_step` on."""
    from sentence_transformers import SentenceTransformerTrainingArguments

    left_batches = job.batches[first_step:]
    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(logs),
        max_steps=len(job.batches),
        learning_rate=job.params.learning_rate,
        # Below 1 it is a share of the steps.
        warmup_steps=job.params.warmup,
        seed=job.seed,
        # On mps torch has no deterministic form of some operations.
        full_determinism=job.device.kind != "mps",
        use_cpu=job.device.is_cpu,
        bf16=job.device.precision == "bfloat16",
        dataloader_num_workers=0,
        dataloader_pin_memory=job.device.kind == "cuda",
        batch_sampler=cast("Any", lambda *_, **__: PlannedBatchSampler(left_batches)),
        report_to="none",
        save_strategy="no",
        # A short run has a loss curve too.
        logging_steps=min(LOG_STEPS, len(job.batches)),
        disable_tqdm=not sys.stderr.isatty(),
        remove_unused_columns=False,
    )

    # Of several GPUs one is used: the loss over a part of the batch would see other negatives.
    arguments._n_gpu = min(arguments.n_gpu, 1)
    return arguments
