"""Fine-tune the base model on the tokens, reproducibly.

Reads the tokens and the verdict of `validate`. Early stopping and merging also read the validation
queries and the corpus. Writes the model with its card. A run that was killed goes on from its
checkpoint in the cache. TensorBoard scalars go to `runs/`, outside git and DVC.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from stages.finetune import losses
from stages.finetune.batches import (
    ConflictIds,
    conflict_ids,
    count_conflicts,
    plan_batches,
    shuffled_batches,
)
from stages.finetune.checkpoints import Checkpoints, checkpoint_key
from stages.finetune.hooks import TrainingHooks
from stages.finetune.interface import FinetuneParams, Inputs, Outputs, Params
from stages.finetune.model_selection import (
    EarlyStopping,
    ValidationSet,
    merge,
    ndcg_at_10,
    read_validation_set,
    score_model,
    subset,
)
from stages.finetune.tracking import (
    RUNS,
    ModelFacts,
    Tracker,
    check_wandb,
    model_card,
    run_name,
)
from stages.finetune.trainer import Trained, TrainingJob, train
from stages.lib.core import tables
from stages.lib.core.device import choose_device
from stages.lib.core.errors import UserError
from stages.lib.core.interface import Stage
from stages.lib.core.model_files import file_hash, find_base_model, model_hash
from stages.lib.core.params import ModelParams
from stages.lib.retrieval.encoder import Encoder, load_model
from stages.lib.schemas.training import read_tokens_shape, tokens_schema

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Values = dict[str, float | int | str | bool]


def run(inputs: Inputs, params: Params) -> Outputs:
    """Fine-tune the base model on the tokens, reproducibly."""
    finetune = params.finetune
    shape = params.pair.shape

    # Refuse what cannot be trained before the work begins.
    loss_name = losses.select_loss(finetune, shape)
    device = choose_device(params.run)
    check_wandb(finetune.wandb)
    passed = check_verdict(inputs.verdict, finetune.force)

    # The training rows, in batches without conflicts.
    length, negatives = read_tokens_shape(inputs.tokens.path)
    rows = tables.read(inputs.tokens.path, tokens_schema(length, negatives))
    base = find_base_model(params.model)
    ids_of_rows = conflict_ids(rows, shape)
    batches = plan_batches(ids_of_rows, finetune.batch_size, finetune.epochs, seed=params.run.seed)

    # Validation, if early stopping or merging look at it.
    validation_set = optional_validation_set(inputs, params)
    early_stopping = make_early_stopping(finetune, validation_set, steps=len(batches))

    # Everything that decides the weights names the run and its checkpoint.
    decisive = decisive_texts(inputs, params, uses_early_stopping=early_stopping is not None)
    checkpoints = Checkpoints(checkpoint_key(*decisive, model_hash(base), device.identity))
    tracker = start_tracker(params, decisive)

    # Train. A run that was killed goes on from its checkpoint.
    job = TrainingJob(
        base=base,
        tokens=rows,
        batches=batches,
        params=finetune,
        seed=params.run.seed,
        threads=params.run.threads,
        shape=shape,
        device=device,
    )
    trained = train(job, TrainingHooks(tracker, checkpoints, early_stopping))
    tracker.close()

    # The prompts belong to the model, so they are set before a mixture of it is embedded.
    set_prompts(trained.model, params.model)
    details: Values = {
        "loss": loss_name,
        "forced": not passed,
        **training_metrics(trained, job, ids_of_rows),
        **(early_stopping.metrics() if early_stopping else {}),
        **merge_with_base(trained.model, base, params, validation_set=validation_set),
    }

    # The card is a part of the model's folder.
    facts = ModelFacts(decisive[0], base, trained.dimensions, max_tokens=length)
    card = model_card(facts, finetune, params.run, model=params.model, metrics=details)
    return Outputs(
        model=partial(save_model, trained.model, card),
        plot=trained.curve.round({"loss": 6}),
        details=details,
        remove_checkpoint=checkpoints.remove,
    )


def check_verdict(verdict: Path, force: bool) -> bool:
    """Return whether the data passed validation.

    Raises:
        UserError: it did not and is not forced, or there is no verdict.
    """
    try:
        passed = json.loads(verdict.read_text("utf-8"))["passed"] is True
    except FileNotFoundError:
        raise UserError(f"{verdict} does not exist", "run 'dvc repro validate' first") from None
    except (ValueError, KeyError, TypeError):
        raise UserError(
            f"{verdict} is not the result of a run: it has no key 'passed'",
            "run 'dvc repro validate'",
        ) from None

    if not passed and not force:
        raise UserError(
            f"{verdict}: the data failed validation, so it is not trained on",
            "open data/validate/index.html; to train all the same set finetune.force: true",
        )
    return passed


def optional_validation_set(inputs: Inputs, params: Params) -> ValidationSet | None:
    """Return the validation set; None if nothing looks at it.

    A default run does not read it, and so does not depend on it.
    """
    if params.finetune.early_stopping or params.finetune.merge:
        return read_validation_set(inputs, params.model, params.evaluate.component_weight)
    return None


def make_early_stopping(
    params: FinetuneParams, validation_set: ValidationSet | None, steps: int
) -> EarlyStopping | None:
    """Return early stopping for a run of `steps` steps; None if params.yaml does not ask for it."""
    if validation_set is None or not params.early_stopping:
        return None
    return EarlyStopping(
        params.early_stopping,
        steps,
        params.epochs,
        score=partial(score_model, subset(validation_set)),
    )


def decisive_texts(inputs: Inputs, params: Params, *, uses_early_stopping: bool) -> list[str]:
    """Return hashes and parameters that decide the weights; the hash of the tokens comes first."""
    paths = [inputs.tokens.path]

    # Merging happens after training, so it does not decide the weights that a checkpoint holds.
    if uses_early_stopping:
        tables = (inputs.queries, inputs.qrels, inputs.masked, inputs.aliases, inputs.passages)
        paths += [table.path for table in tables]

    # The weight of a component is one of the parameters that early stopping looks at.
    sections = [params.finetune, params.run, params.model]
    if uses_early_stopping:
        sections.append(params.evaluate)
    return [*map(file_hash, paths), *map(str, sections), params.pair.shape]


def start_tracker(params: Params, decisive: Sequence[str]) -> Tracker:
    """Return the tracker of a run, which is named by `decisive`, a result of `decisive_texts`."""
    settings = {
        **params.finetune.model_dump(),
        "data": decisive[0],
        "seed": params.run.seed,
        "threads": params.run.threads,
        "device": params.run.device,
        "precision": params.run.precision,
    }
    return Tracker(RUNS / run_name(*decisive), params.finetune.wandb, settings)


def set_prompts(model: SentenceTransformer, prompts: ModelParams) -> None:
    """Give `model` the prompts of training, for its encode_query and encode_document.

    Those that the base model brought go, since a person may have chosen others, or none.
    """
    had_prompts = any(model.prompts.values())
    if prompts.anchor_prompt or prompts.document_prompt or had_prompts:
        model.prompts = {"query": prompts.anchor_prompt, "document": prompts.document_prompt}
        model.default_prompt_name = None


def training_metrics(
    trained: Trained, job: TrainingJob, ids_of_rows: Sequence[ConflictIds]
) -> Values:
    """Return the device, the rows, steps and conflicts, and the loss at both ends of the run."""
    row_count = len(ids_of_rows)

    # Conflicts if all rows were one batch, and in plainly shuffled batches.
    one_batch = [range(row_count)]
    shuffled = shuffled_batches(row_count, job.params.batch_size, job.params.epochs, seed=job.seed)

    # The loss is a mean over the first and the last tenth of the curve.
    losses_by_step = trained.curve["loss"]
    tenth = max(1, len(losses_by_step) // 10)
    return {
        "rows": row_count,
        "steps": trained.steps,
        "conflicts.possible_share": count_conflicts(ids_of_rows, one_batch) / row_count,
        "conflicts.shuffled": count_conflicts(ids_of_rows, shuffled),
        "conflicts.planned": count_conflicts(ids_of_rows, job.batches),
        "loss_first": float(losses_by_step.head(tenth).mean()),
        "loss_last": float(losses_by_step.tail(tenth).mean()),
        "device": job.device.class_name,
    }


def merge_with_base(
    model: SentenceTransformer,
    base: Path,
    params: Params,
    *,
    validation_set: ValidationSet | None,
) -> Values:
    """Merge `model` with the base model if params.yaml asks for it; return the scores by share."""
    shares = params.finetune.merge
    if validation_set is None or not shares:
        return {}

    device = choose_device(params.run)

    # Embedded through the cache and in fixed shapes. So the scores are exactly those of
    # `evaluate`, and `evaluate` finds the embeddings in the cache.
    def score(folder: Path) -> float:
        return ndcg_at_10(validation_set, Encoder(folder, device).encode, device)

    best_share, score_of_share = merge(model, load_model(base), shares, score=score)

    metrics: Values = {"merge.share": best_share}
    for share, value in sorted(score_of_share.items()):
        metrics[f"merge.{round(100 * share)}.validation.ndcg_at_10"] = value
    return metrics


def save_model(model: SentenceTransformer, card: str, folder: Path) -> None:
    """Write the model with its card into `folder`."""
    model.save_pretrained(str(folder), create_model_card=False)
    (folder / "README.md").write_text(card, "utf-8", newline="\n")


STAGE = Stage(run, groups=("tables", "model", "train"), optional_groups=("wandb",))
main = STAGE.main
app = STAGE.app

if __name__ == "__main__":
    app()
