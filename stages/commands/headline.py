"""Print the main results of the last run, and where to look next."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from stages.lib.core.errors import UserError
from stages.lib.core.stage import command
from stages.lib.reporting.details import read_details
from stages.lib.reporting.funnel import FUNNEL_STAGES, funnel
from stages.lib.schemas.runs import SYSTEMS

# Counts that must be 0 in every run, by the stage that counts them.
INVARIANTS = {
    "split": ("leaked_components", "leaked_texts"),
    "deduplicate": ("unsupported_drops", "dangling_pairs", "relabelled_pairs"),
    "mine": ("known_positives_as_negatives",),
    "validate": ("leaked_rows",),
    "finetune": ("conflicts.planned",),
}

_SPLITS = ("validation", "test", "out_of_domain")
_NEXT_STEPS = [
    "Next:",
    "  data/report/index.html     the page to read: funnel, plots, worst queries, advice",
    "  dvc metrics diff           what changed against the last commit",
    "  python -m stages details      all numbers; --diff HEAD shows what changed",
    "  python -m stages explain ID   the history of a row",
]

Details = Mapping[str, Any]


def headline_lines(details_of_stage: Mapping[str, Details]) -> list[str]:
    """Return the lines of the headline from the details of each stage, with dotted keys."""
    evaluated = details_of_stage["evaluate"]

    # The splits and systems that were evaluated.
    splits = [split for split in _SPLITS if f"{split}.finetuned.ndcg_at_10" in evaluated]
    systems = []
    for system in SYSTEMS:
        if any(f"{split}.{system}.ndcg_at_10" in evaluated for split in splits):
            systems.append(system)

    # A column per system, a line per split.
    names = "".join(f"   {SYSTEMS[system]}" for system in systems)
    lines = [
        f"nDCG@10 over {evaluated['corpus_documents']:,} documents",
        f"  {'':13}{names}   gain over base (95 % interval, resampled by component)",
    ]
    lines += [_split_line(evaluated, split, systems) for split in splits]

    # The invariants that are broken.
    broken = []
    for stage, keys in INVARIANTS.items():
        for key in keys:
            count = details_of_stage[stage][key]
            if count:
                broken.append(f"{stage}.{key} = {count}")
    outcome = "Leaks, dangling pairs, wrong drops, positives as negatives: all 0"
    if broken:
        outcome = f"BROKEN: {', '.join(broken)}"
    rows = f"Rows: {funnel(details_of_stage).line}"
    return [*lines, "", rows, outcome, "", *_NEXT_STEPS]


def main(
    details: Annotated[Path, typer.Option(help="Folder of the stages' details.")] = Path(
        "metrics/details"
    ),
) -> None:
    """Print the main results of the last run, and where to look next."""
    details_of_stage = {}

    # Every stage that is shown must have run.
    for stage in (*INVARIANTS, *FUNNEL_STAGES, "evaluate"):
        path = details / f"{stage}.json"
        if not path.exists():
            raise UserError(f"{path} does not exist", "run 'make repro' first")
        details_of_stage[stage] = read_details(path)

    typer.echo("\n".join(headline_lines(details_of_stage)))


def _split_line(evaluated: Details, split: str, systems: list[str]) -> str:
    """Return the line of a split: the score of each system, the gain, and if it is harmless.

    Harmless means without a loss outside the domain.
    """
    line = f"  {split.replace('_', '-'):13}"
    for system in systems:
        score = evaluated.get(f"{split}.{system}.ndcg_at_10")
        cell = "-" if score is None else f"{score:.3f}"
        width = len(SYSTEMS[system]) + 3
        line += f"{cell:>{width}}"

    # A gain is never shown without its interval.
    gain = f"{split}.gain.over_base.ndcg_at_10"
    bounds = [evaluated.get(f"{gain}.{bound}") for bound in ("mean", "low", "high")]
    if None not in bounds:
        mean, low, high = bounds
        line += f"   {mean:+.3f} ({low:+.3f} to {high:+.3f})"

    harmless = evaluated.get(f"{split}.harmless")
    if harmless is not None:
        line += "   harmless" if harmless else "   not shown to be harmless"
    return line


app = command(main)

if __name__ == "__main__":
    app()
