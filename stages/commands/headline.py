"""Print the main results of the run at hand, and where to look next.

The first line of a set has weighted means, in which no component counts as more than
`evaluate.component_weight` queries. The second line has plain means. Without a complete run of the
settings in params.yaml there is an error and no result of another run.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from stages.commands.json_output import AsJson, say_json
from stages.commands.run_at_hand import why_no_run
from stages.lib.core.errors import UserError
from stages.lib.core.stage import command
from stages.lib.core.terminal import say
from stages.lib.reporting.details import read_details
from stages.lib.reporting.funnel import FUNNEL_STAGES, funnel
from stages.lib.reporting.sample import sample_sentences
from stages.lib.schemas.runs import SYSTEMS

# Counts that must be 0 in every run, by the stage that counts them.
INVARIANTS = {
    "split": ("leaked_components", "leaked_texts"),
    "deduplicate": ("unsupported_drops", "dangling_pairs", "relabelled_pairs"),
    "mine": ("known_positives_as_negatives", "judged_negatives.left"),
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
    splits = _evaluated_splits(evaluated)
    systems = _evaluated_systems(evaluated, splits)

    # A column per system, a line per split.
    names = "".join(f"   {SYSTEMS[system]}" for system in systems)
    lines = [
        *sample_sentences(evaluated),
        f"nDCG@10 over {evaluated['corpus_documents']:,} documents",
        f"  {'':13}{names}   gain over base (95 % interval, resampled by component)",
    ]
    for split in splits:
        lines.append(_split_line(evaluated, split, systems))
        lines += _plain_line(evaluated, split, systems)
    lines += _weight_line(evaluated)

    # The invariants that are broken.
    counts = broken_invariants(details_of_stage)
    broken = [f"{key} = {count}" for key, count in counts.items()]
    outcome = "Leaks, dangling pairs, wrong drops, positives as negatives: all 0"
    if broken:
        outcome = f"BROKEN: {', '.join(broken)}"
    rows = f"Rows: {funnel(details_of_stage).line}"
    return [*lines, "", rows, outcome, "", *_NEXT_STEPS]


def headline_figures(details_of_stage: Mapping[str, Details]) -> dict[str, Any]:
    """Return the figures of the headline by name, from the details of each stage with dotted keys.

    A figure that the version does not have is None.
    """
    evaluated = details_of_stage["evaluate"]
    splits = _evaluated_splits(evaluated)
    systems = _evaluated_systems(evaluated, splits)
    figures_of_split = {}
    for split in splits:
        figures_of_split[split] = _split_figures(evaluated, split, systems)

    return {
        "sample": evaluated.get("sample"),
        "metric": "ndcg_at_10",
        "corpus_documents": evaluated["corpus_documents"],
        "component_weight": evaluated.get("component_weight"),
        "splits": figures_of_split,
        "rows": funnel(details_of_stage)._asdict(),
        "broken": broken_invariants(details_of_stage),
    }


def broken_invariants(details_of_stage: Mapping[str, Details]) -> dict[str, int | str]:
    """Return `<stage>.<key>` to count of each invariant that is not 0; empty in a sound run.

    A run of an older version may lack a count. It is "not measured" then, and so not sound.
    """
    broken: dict[str, int | str] = {}
    for stage, keys in INVARIANTS.items():
        for key in keys:
            count = details_of_stage[stage].get(key, "not measured")
            if count != 0:
                broken[f"{stage}.{key}"] = count
    return broken


def main(
    details: Annotated[Path, typer.Option(help="Folder of the stages' details.")] = Path(
        "metrics/details"
    ),
    as_json: AsJson = False,
) -> None:
    """Print the main results of the run at hand, and where to look next."""
    reason = why_no_run("evaluate")
    if reason is not None:
        raise UserError(
            f"there is no run at hand: {reason}",
            "run 'make repro'; 'python -m stages details' shows what each stage wrote last",
        )

    details_of_stage = {}

    # Every stage that is shown must have run.
    for stage in (*INVARIANTS, *FUNNEL_STAGES, "evaluate"):
        path = details / f"{stage}.json"
        if not path.exists():
            raise UserError(f"{path} does not exist", "run 'make repro' first")
        details_of_stage[stage] = read_details(path)

    if as_json:
        say_json(headline_figures(details_of_stage))
    else:
        say("\n".join(headline_lines(details_of_stage)))


def _evaluated_splits(evaluated: Details) -> list[str]:
    return [split for split in _SPLITS if f"{split}.finetuned.ndcg_at_10" in evaluated]


def _evaluated_systems(evaluated: Details, splits: list[str]) -> list[str]:
    systems = []
    for system in SYSTEMS:
        if any(f"{split}.{system}.ndcg_at_10" in evaluated for split in splits):
            systems.append(system)
    return systems


def _split_figures(evaluated: Details, split: str, systems: list[str]) -> dict[str, Any]:
    """Return the scores of a split, weighted and plain, and the gain over the base model."""
    gain = f"{split}.gain.over_base.ndcg_at_10"
    bounds = {bound: evaluated.get(f"{gain}.{bound}") for bound in ("mean", "low", "high")}
    return {
        "systems": {system: evaluated.get(f"{split}.{system}.ndcg_at_10") for system in systems},
        "plain": {
            system: evaluated.get(f"{split}.plain.{system}.ndcg_at_10") for system in systems
        },
        # A gain is never given without its interval.
        "gain_over_base": None if None in bounds.values() else bounds,
        "plain_gain_over_base": evaluated.get(f"{gain}.plain"),
        "harmless": evaluated.get(f"{split}.harmless"),
    }


def _split_line(evaluated: Details, split: str, systems: list[str]) -> str:
    """Return the line of a split: the score of each system, the gain, and if it is harmless.

    Harmless means without a loss outside the domain.
    """
    line = f"  {split.replace('_', '-'):13}" + _score_cells(evaluated, split, systems)

    # A gain is never shown without its interval.
    gain = f"{split}.gain.over_base.ndcg_at_10"
    bounds = [evaluated.get(f"{gain}.{bound}") for bound in ("mean", "low", "high")]
    if None not in bounds:
        mean, low, high = bounds
        line += f"   {mean:+z.3f} ({low:+z.3f} to {high:+z.3f})"

    harmless = evaluated.get(f"{split}.harmless")
    if harmless is not None:
        line += "   harmless" if harmless else "   not shown to be harmless"
    return line


def _plain_line(evaluated: Details, split: str, systems: list[str]) -> list[str]:
    """Return the line of a split in which each query counts once; none in an older version."""
    gain = evaluated.get(f"{split}.gain.over_base.ndcg_at_10.plain")
    if gain is None:
        return []
    return [f"  {'  plain':13}{_score_cells(evaluated, f'{split}.plain', systems)}   {gain:+z.3f}"]


def _score_cells(evaluated: Details, prefix: str, systems: list[str]) -> str:
    """Return the score of each system as one cell of a line, under the name of the system."""
    line = ""
    for system in systems:
        score = evaluated.get(f"{prefix}.{system}.ndcg_at_10")
        cell = "-" if score is None else f"{score:.3f}"
        width = len(SYSTEMS[system]) + 3
        line += f"{cell:>{width}}"
    return line


def _weight_line(evaluated: Details) -> list[str]:
    """Return a line on the weights; none in a version that had none."""
    weight = evaluated.get("component_weight")
    if weight is None:
        return []
    return [f"A component counts as at most {weight:,} queries; plain: each query counts once."]


app = command(main)

if __name__ == "__main__":
    app()
