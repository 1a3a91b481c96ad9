"""Print the headline of the last run, and where to look next."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from stages.lib.contracts.runs import SYSTEMS
from stages.lib.errors import Problem
from stages.lib.stage import command

# What must stand at 0 in every run, by the stage that counts it.
AT_ZERO = {
    "split": ("leaked_components", "leaked_texts"),
    "deduplicate": ("unsupported_drops", "dangling_pairs", "relabelled_pairs"),
    "mine": ("known_positives_as_negatives",),
    "validate": ("leaked_rows",),
    "finetune": ("conflicts.planned",),
}


def tell(metrics: dict[str, dict[str, float]]) -> list[str]:
    """Return the lines of the headline from each stage's metrics."""
    measured = metrics["evaluate"]
    lines = [f"nDCG@10 over {measured['corpus_documents']:,} documents"]
    rows = [
        split
        for split in ("validation", "test", "out_of_domain")
        if f"{split}.finetuned.ndcg_at_10" in measured
    ]
    shown = [
        system
        for system in SYSTEMS
        if any(f"{split}.{system}.ndcg_at_10" in measured for split in rows)
    ]
    names = "".join(f"{SYSTEMS[system]:>{len(SYSTEMS[system]) + 3}}" for system in shown)
    lines.append(f"  {'':13}{names}   gain over base (95 % interval, resampled by component)")
    for split in rows:
        line = f"  {split.replace('_', '-'):13}"
        for system in shown:
            value = measured.get(f"{split}.{system}.ndcg_at_10")
            line += f"{'-' if value is None else f'{value:.3f}':>{len(SYSTEMS[system]) + 3}}"
        gain = {
            name: measured.get(f"{split}.gain.over_base.ndcg_at_10.{name}")
            for name in ("mean", "low", "high")
        }
        if None not in gain.values():
            line += f"   {gain['mean']:+.3f} ({gain['low']:+.3f} to {gain['high']:+.3f})"
        if (harmless := measured.get(f"{split}.harmless")) is not None:
            line += "   harmless" if harmless else "   not shown to be harmless"
        lines.append(line)
    broken = [
        f"{stage}.{name} = {metrics[stage][name]}"
        for stage, names in AT_ZERO.items()
        for name in names
        if metrics[stage][name]
    ]
    lines.append("")
    lines.append(
        f"BROKEN: {', '.join(broken)}"
        if broken
        else "Leaks, dangling pairs, wrong drops, positives as negatives: all 0"
    )
    lines += [
        "",
        "Next:",
        "  data/report/index.html     the page to read: funnel, plots, worst queries, advice",
        "  dvc metrics diff           what changed against the last commit",
        "  python -m stages explain ID   the whole story of a row",
    ]
    return lines


def main(metrics: Path = Path("metrics")) -> None:
    """Print the headline of the last run, and where to look next."""
    try:
        read = {
            stage: json.loads((metrics / f"{stage}.json").read_text("utf-8"))
            for stage in (*AT_ZERO, "evaluate")
        }
    except FileNotFoundError as error:
        raise Problem(f"{error.filename} does not exist", "run 'make repro' first") from None
    typer.echo("\n".join(tell(read)))


app = command(main)

if __name__ == "__main__":
    app()
