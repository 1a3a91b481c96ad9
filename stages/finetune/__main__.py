"""Fine-tune the base model on the tokens, reproducibly.

Reads the tokens and the verdict of `validate`, and, for early stopping and merging alone, the queries of validation
with the documents; writes the model with its card. A run that was killed goes on from its checkpoint in the cache.
TensorBoard scalars go to `runs/`, outside git and DVC.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from stages.finetune import checkpoints, devices, losses, trackers, validation
from stages.finetune.batches import Row, conflicts, plan, shuffled
from stages.finetune.card import Facts, card
from stages.finetune.merge import merge
from stages.finetune.params import FinetuneParams
from stages.finetune.stopping import Stopping
from stages.finetune.training import Trained, train
from stages.lib import tables, written
from stages.lib.contracts.tokens import fixed_shape, tokens
from stages.lib.embed import Encoder
from stages.lib.errors import Problem
from stages.lib.models import file_hash, find_model, fingerprint, load_model
from stages.lib.params import Model, Run, Shape, load
from stages.lib.stage import command, write_metrics

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Metrics = dict[str, float | int | str | bool]


def check_verdict(validate: Path, force: bool) -> bool:
    """Return whether the data passed validation. Raises Problem when it did not and is not forced."""
    try:
        passed = json.loads(validate.read_text("utf-8"))["passed"] is True
    except FileNotFoundError:
        raise Problem(f"{validate} does not exist", "run 'dvc repro validate' first") from None
    except (ValueError, KeyError, TypeError):
        raise Problem(
            f"{validate} is not the result of a run", "run 'dvc repro validate'"
        ) from None
    if not passed and not force:
        raise Problem(
            f"{validate}: the data failed validation, so it is not trained on",
            "open data/validate/index.html; to train all the same set finetune.force: true",
        )
    return passed


def meet(table: pd.DataFrame, shape: str) -> list[Row]:
    """Return what decides which rows may meet. Pairs with scores are no negatives of each other: any may."""
    if shape == "scores":
        return [Row((), ())] * len(table)
    return list(map(Row, table["answer_ids"], table["shown_ids"]))


def stop(params: FinetuneParams, exam: validation.Exam | None, steps: int) -> Stopping | None:
    """Return who looks at validation during training, if anybody does."""
    if exam is None or not params.early_stopping:
        return None
    return Stopping(
        params.early_stopping,
        steps,
        params.epochs,
        partial(validation.look, validation.bounded(exam)),
    )


def give_prompts(model: SentenceTransformer, prompts: Model) -> None:
    """Let `model` know the prompts that it was trained with, for its encode_query and encode_document."""
    if prompts.anchor_prompt or prompts.document_prompt:
        model.prompts = {"query": prompts.anchor_prompt, "document": prompts.document_prompt}


def mix(
    model: SentenceTransformer, base: Path, params: FinetuneParams, exam: validation.Exam | None
) -> Metrics:
    """Merge `model` with the base as `params.merge` asks, and return what is told of it."""
    if exam is None or not params.merge:
        return {}
    share, scores = merge(
        model,
        load_model(base),
        params.merge,
        # Through the cache, in fixed shapes: the very figures that evaluate will find, which need not embed anew.
        lambda folder: validation.ndcg_at_10(exam, Encoder(folder).encode),
    )
    told = {
        f"merge.{round(100 * one)}.validation.ndcg_at_10": score
        for one, score in sorted(scores.items())
    }
    return {"merge.share": share, **told}


def describe(
    trained: Trained,
    meeting: Sequence[Row],
    batches: list[list[int]],
    params: FinetuneParams,
    seed: int,
) -> Metrics:
    """Return what is told of the rows `meeting` in `batches`, and of the run over them."""
    blind = shuffled(len(meeting), params.batch_size, params.epochs, seed)
    tenth = max(1, len(trained.curve) // 10)
    return {
        "rows": len(meeting),
        "steps": trained.steps,
        "conflicts.possible_share": conflicts(meeting, [range(len(meeting))]) / len(meeting),
        "conflicts.shuffled": conflicts(meeting, blind),
        "conflicts.planned": conflicts(meeting, batches),
        "loss_first": float(trained.curve["loss"].head(tenth).mean()),
        "loss_last": float(trained.curve["loss"].tail(tenth).mean()),
    }


def main(
    rows: Path = Path("data/tokenize/tokens.parquet"),
    queries: Path = Path("data/split/validation/queries.parquet"),
    qrels: Path = Path("data/split/validation/qrels.parquet"),
    aliases: Path = Path("data/deduplicate/aliases.parquet"),
    passages: Path = Path("data/pair/passages.parquet"),
    validate: Path = Path("metrics/validate.json"),
    out_model: Path = Path("data/finetune/model"),
    out_plot: Path = Path("metrics/plots/loss.tsv"),
    metrics: Path = Path("metrics/finetune.json"),
) -> None:
    """Fine-tune the base model on the tokens, reproducibly."""
    params, run, prompts, shape = load(FinetuneParams), load(Run), load(Model), load(Shape).shape
    name, device = losses.choose(params, shape), devices.pick(params.device, params.bf16)
    trackers.check(params.wandb)
    passed = check_verdict(validate, params.force)
    length, negatives = fixed_shape(rows)
    table = tables.read(rows, tokens(length, negatives))
    base = find_model(prompts)
    # Read only where it is asked for, so that the default run does not depend on what it says.
    asks = bool(params.early_stopping or params.merge)
    exam = validation.read(queries, qrels, aliases, passages, prompts) if asks else None
    meeting = meet(table, shape)
    batches = plan(meeting, params.batch_size, params.epochs, run.seed)
    stopping = stop(params, exam, len(batches))
    inputs = [rows, *((queries, qrels, aliases, passages) if stopping else ())]
    decides = [*map(file_hash, inputs), str(params), str(run), str(prompts), shape]
    kept = checkpoints.Checkpoints(checkpoints.key(*decides, fingerprint(base), str(device)))
    settings = {**params.model_dump(), "data": decides[0], "seed": run.seed, "threads": run.threads}
    tracker = trackers.Trackers(trackers.RUNS / trackers.run_name(*decides), params.wandb, settings)
    trained = train(
        base, table, batches, params, run.seed, run.threads, tracker, shape, kept, stopping, device
    )
    tracker.close()
    give_prompts(trained.model, prompts)
    told: Metrics = {
        "loss": name,
        "forced": not passed,
        **describe(trained, meeting, batches, params, run.seed),
    }
    told |= {**(stopping.metrics() if stopping else {}), **mix(trained.model, base, params, exam)}
    facts = Facts(decides[0], base, int(trained.model.get_embedding_dimension() or 0), length)
    with written.atomically(out_model) as temporary:
        trained.model.save_pretrained(str(temporary), create_model_card=False)
        (temporary / "README.md").write_text(
            card(facts, params, run, prompts, told), "utf-8", newline="\n"
        )
    with written.atomically(out_plot) as temporary:
        trained.curve.round({"loss": 6}).to_csv(
            temporary, sep="\t", index=False, lineterminator="\n"
        )
    write_metrics(told, metrics)
    kept.remove()


app = command(main, "tables", "model", "train")

if __name__ == "__main__":
    app()
