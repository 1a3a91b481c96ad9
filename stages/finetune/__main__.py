"""Fine-tune the base model on the tokens, reproducibly.

Reads the tokens and the verdict of `validate`; writes the model, without an automatic card (it would hold
the wall time and rows of the training data). TensorBoard scalars go to `runs/`, outside git and DVC.
"""

from __future__ import annotations

import json
from pathlib import Path

from stages.finetune.batches import Row, conflicts, plan, shuffled
from stages.finetune.training import FinetuneParams, run_name, train
from stages.lib import tables, written
from stages.lib.contracts.tokens import fixed_shape, tokens
from stages.lib.errors import Problem
from stages.lib.models import find_model
from stages.lib.params import Model, Run, Shape, load
from stages.lib.stage import command, write_metrics

RUNS = Path("runs/finetune")


def check_verdict(validate: Path, force: bool) -> bool:
    """Return whether the data passed validation. Raises Problem when it did not and is not forced."""
    try:
        passed = json.loads(validate.read_text("utf-8"))["passed"] is True
    except FileNotFoundError:
        raise Problem(f"{validate} does not exist", "run 'dvc repro validate' first") from None
    except (ValueError, KeyError, TypeError):
        raise Problem(f"{validate} is not the result of a run", "run 'dvc repro validate'") from None
    if not passed and not force:
        raise Problem(
            f"{validate}: the data failed validation, so it is not trained on",
            "open data/validate/index.html; to train all the same set finetune.force: true",
        )
    return passed


def main(
    rows: Path = Path("data/tokenize/tokens.parquet"),
    validate: Path = Path("metrics/validate.json"),
    out_model: Path = Path("data/finetune/model"),
    out_plot: Path = Path("metrics/plots/loss.tsv"),
    metrics: Path = Path("metrics/finetune.json"),
) -> None:
    """Fine-tune the base model on the tokens, reproducibly."""
    params, run, base, shape = load(FinetuneParams), load(Run), load(Model), load(Shape).shape
    passed = check_verdict(validate, params.force)
    length, negatives = fixed_shape(rows)
    table = tables.read(rows, tokens(length, negatives))
    logs = RUNS / run_name(rows.read_bytes(), str(params), str(run), str(base), shape)
    # Pairs with scores are no negatives of each other: any may meet.
    unlike = shape == "scores"
    meeting = [Row((), ())] * len(table) if unlike else list(map(Row, table["answer_ids"], table["shown_ids"]))
    batches = plan(meeting, params.batch_size, params.epochs, run.seed)
    blind = shuffled(len(meeting), params.batch_size, params.epochs, run.seed)
    model, curve = train(find_model(base), table, batches, params, run.seed, run.threads, logs, shape)
    with written.atomically(out_model) as temporary:
        model.save_pretrained(str(temporary), create_model_card=False)
    with written.atomically(out_plot) as temporary:
        curve.round({"loss": 6}).to_csv(temporary, sep="\t", index=False, lineterminator="\n")
    tenth = max(1, len(curve) // 10)
    write_metrics(
        {
            "rows": len(table),
            "loss": "CoSENT" if shape == "scores" else "MultipleNegativesRanking",
            "steps": len(batches),
            "conflicts.possible_share": conflicts(meeting, [range(len(meeting))]) / len(meeting),
            "conflicts.shuffled": conflicts(meeting, blind),
            "conflicts.planned": conflicts(meeting, batches),
            "loss_first": float(curve["loss"].head(tenth).mean()),
            "loss_last": float(curve["loss"].tail(tenth).mean()),
            "forced": not passed,
        },
        metrics,
    )


app = command(main, "tables", "model", "train")

if __name__ == "__main__":
    app()
