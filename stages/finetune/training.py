"""Contrastive training over planned batches, with the loss that suits the data, the same bits every time.

Anchors with positives and negatives take MultipleNegativesRankingLoss (Henderson et al. 2017, arXiv 1705.00652), pairs
with scores CoSENTLoss (Huang et al. 2024, doi 10.1109/TASLP.2024.3402087). On one kind of processor the weights depend
on inputs, parameters, versions, seed and the number of threads, and on nothing else.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

import pandas as pd
from pydantic import Field

from stages.finetune.batches import Cutter, Planned
from stages.lib.models import load_model
from stages.lib.params import Section

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

LOG_STEPS = 5
CHUNK = 8


class FinetuneParams(Section):
    """How the model is trained."""

    section: ClassVar[str] = "finetune"
    epochs: int = Field(ge=1, le=100)
    batch_size: int = Field(ge=2, le=4096)
    learning_rate: float = Field(gt=0.0, le=0.01)
    warmup: float = Field(ge=0.0, lt=1.0)
    temperature: float = Field(gt=0.0, le=1.0)
    force: bool


def train(
    base: Path,
    tokens: pd.DataFrame,
    batches: list[list[int]],
    params: FinetuneParams,
    seed: int,
    threads: int,
    logs: Path,
    shape: Literal["ranking", "scores"] = "ranking",
) -> tuple[SentenceTransformer, pd.DataFrame]:
    """Return the fine-tuned model and its loss curve (columns step, loss).

    `tokens` is a Tokens table, `batches` are its rows in the order of training. The model keeps the length
    of the stored lists as its longest input. `shape` is that of the data, and decides the loss.
    """
    import torch
    from datasets import Dataset
    from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments
    from sentence_transformers.sentence_transformer.losses import CoSENTLoss, MultipleNegativesRankingLoss
    from transformers import PrinterCallback

    torch.set_num_threads(threads)
    columns = [name.removesuffix("_input_ids") for name in tokens.columns if name.endswith("_input_ids")]
    model = load_model(base)
    model.max_seq_length = len(tokens["anchor_input_ids"].iloc[0])
    loss = CoSENTLoss if shape == "scores" else MultipleNegativesRankingLoss
    writer = _Scalars(logs)
    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(logs),
        max_steps=len(batches),
        learning_rate=params.learning_rate,
        warmup_steps=params.warmup,  # below 1 it is a share of the steps
        seed=seed,
        full_determinism=True,
        use_cpu=True,
        dataloader_num_workers=0,
        batch_sampler=cast("Any", lambda *_, **__: Planned(batches)),
        report_to="none",
        save_strategy="no",
        logging_steps=min(LOG_STEPS, len(batches)),  # a short run has a curve too
        disable_tqdm=not sys.stderr.isatty(),
        remove_unused_columns=False,
    )

    class Trainer(SentenceTransformerTrainer):
        def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
            """Leave the automatic card out: it would copy training rows and the wall time."""

    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_dict({"row": list(range(len(tokens)))}),
        data_collator=cast("Any", Cutter(tokens, columns, shape == "scores")),
        loss=in_chunks(model, loss(model, scale=1.0 / params.temperature)),
        callbacks=[writer.callback()],
    )
    trainer.remove_callback(PrinterCallback)  # the scalars tell it; DVC's output stays readable
    trainer.train()
    writer.close()
    curve = pd.DataFrame(writer.losses, columns=["step", "loss"])
    return model.eval(), curve


def in_chunks(model: SentenceTransformer, inner: Any) -> torch.nn.Module:
    """Return the loss `inner` with its texts embedded in chunks of similar length.

    A batch padded to its longest row is mostly padding: one long definition stretches 95 other texts. All
    texts of a batch, of every column, are sorted by length and embedded CHUNK at a time, each chunk cut to
    its own longest; the loss sees the same embeddings in the same order as if there had been no chunks.
    """
    import torch

    class InChunks(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, features: list[dict[str, torch.Tensor]], labels: torch.Tensor | None) -> torch.Tensor:
            texts = [row for column in features for row in _rows(column)]
            lengths = torch.tensor([len(ids) for ids in texts])
            order = torch.argsort(lengths, stable=True).tolist()
            found: list[torch.Tensor] = [torch.empty(0)] * len(texts)
            for start in range(0, len(order), CHUNK):
                members = order[start : start + CHUNK]
                padded = torch.nn.utils.rnn.pad_sequence([texts[at] for at in members], batch_first=True)
                mask = (torch.arange(padded.shape[1]) < lengths[members].unsqueeze(1)).long()
                vectors = self.model({"input_ids": padded, "attention_mask": mask})["sentence_embedding"]
                for at, vector in zip(members, vectors, strict=True):
                    found[at] = vector
            sizes = [len(column["input_ids"]) for column in features]
            columns = [torch.stack(part) for part in _cut(found, sizes)]
            loss: torch.Tensor = inner.compute_loss_from_embeddings(columns, labels)
            return loss

    return InChunks()


def _rows(column: dict[str, torch.Tensor]) -> list[torch.Tensor]:
    """Return the token ids of each row without its padding."""
    counts = column["attention_mask"].sum(dim=1).tolist()
    return [ids[:count] for ids, count in zip(column["input_ids"], counts, strict=True)]


def _cut(items: list[torch.Tensor], sizes: list[int]) -> list[list[torch.Tensor]]:
    ends = [sum(sizes[: at + 1]) for at in range(len(sizes))]
    return [items[end - size : end] for size, end in zip(sizes, ends, strict=True)]


class _Scalars:
    """What the trainer logs: kept for the loss curve, and written for TensorBoard."""

    def __init__(self, logs: Path) -> None:
        from torch.utils.tensorboard import SummaryWriter

        shutil.rmtree(logs, ignore_errors=True)  # a rerun replaces its curve, or two would be drawn as one
        self._writer = SummaryWriter(str(logs))
        self.losses: list[tuple[int, float]] = []

    def callback(self) -> Any:
        """Return the trainer callback that feeds this."""
        from transformers import TrainerCallback

        scalars = self

        class Feed(TrainerCallback):
            def on_log(
                self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any
            ) -> None:
                for name in ("loss", "learning_rate", "grad_norm"):
                    if name in (logs or {}):
                        scalars._writer.add_scalar(f"train/{name}", float((logs or {})[name]), state.global_step)
                if "loss" in (logs or {}):
                    scalars.losses.append((int(state.global_step), float((logs or {})["loss"])))

        return Feed()

    def close(self) -> None:
        """Flush what TensorBoard shows."""
        self._writer.close()


def run_name(data: bytes, *settings: str) -> str:
    """Return a short name that is the same for the same data and settings."""
    return hashlib.sha256(b"\n".join([data, *(setting.encode() for setting in settings)])).hexdigest()[:10]
