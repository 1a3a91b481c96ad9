"""Plant faults of every kind in clean text at known rates, repair them, and say what was found and what was harmed.

    python bench/planted.py [--only typos abbreviations ...] [--seed 1] [--json]
                            [--pages FOLDER] [--ambiguous CSV]

`precision` and `recall` are over what was planted; `wrong_edits_per_1000_tokens` counts edits on untouched text
that no human has called right (bench/faults/*.tsv hold what was judged by eye). Peers stand beside it where they do
the same step; `speed` is what bench/cleaning_speed.py measures at its smallest size. `--pages` takes a folder with
gold.jsonl and pages/ (main-content segments, as in the evaluation of trafilatura), `--ambiguous` a CSV of abbreviations
with their meanings.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import bench.cleaning_speed as cleaning_speed
import bench.faults.abbreviations as abbreviations
import bench.faults.boilerplate as boilerplate
import bench.faults.characters as characters
import bench.faults.extraction as extraction
import bench.faults.markup as markup
import bench.faults.private as private
import bench.faults.typos as typos

KINDS = {
    "abbreviations": abbreviations.measure,
    "boilerplate": boilerplate.measure,
    "characters": characters.measure,
    "extraction": extraction.measure,
    "markup": markup.measure,
    "private": private.measure,
    "speed": lambda seed: cleaning_speed.side_by_side(10_000, rounds=3),
    "typos": typos.measure,
}


def main() -> None:
    """Measure the kinds that were asked for and print a figure a line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=sorted(KINDS), default=sorted(KINDS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--json", action="store_true", help="print one flat JSON object as the last line"
    )
    parser.add_argument("--pages", type=Path)
    parser.add_argument("--ambiguous", type=Path)
    options = parser.parse_args()
    figures: dict[str, float] = {}
    for kind in options.only:
        figures.update(KINDS[kind](options.seed))
    if options.pages:
        figures.update(extraction.pages(options.pages))
    if options.ambiguous:
        figures.update(abbreviations.ambiguous(options.ambiguous))
    shown = {name: round(value, 4) for name, value in sorted(figures.items())}
    print(
        json.dumps(shown)
        if options.json
        else "\n".join(f"{name:44} {value:g}" for name, value in shown.items())
    )


if __name__ == "__main__":
    main()
