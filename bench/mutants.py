"""Plant small faults, one at a time, in the code that promises rest on, and see which the tests notice.

    python bench/mutants.py [--count 78] [--seed 1] [--parts NAME ...] [--fast] [--results FOLDER] [--json]

bench/faults/draw_mutants.py draws the faults at random, about as many for each of PARTS, with operators of mutmut,
which is installed into an environment of its own in the user's cache directory. Each is planted in a temporary copy of
the project, and the tests of its part run until one fails: fast ones first, then slow ones. Ten minutes of processor
time count as a failure. Hypothesis draws the inputs of `make check`, the same each time. Tests that need the run of the
tiny project are left out.

    planted, killed, survived   the faults, those that a test noticed, and those that none did
    explained                   of these the ones that bench/faults/equivalent_mutants.yaml explains: they change nothing
    noticed                     the share that was killed or is explained
    seconds                     processor time, that of the tests without a fault included

Survivors are printed with the lines that were changed. `--fast` runs the tests of `make check` alone. `--results` keeps
what was found, so that an interrupted run goes on, or one with `--fast` goes on with the slow tests of its survivors.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import hashlib
import json
import os
import resource
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import peers
from bench.faults.mutant_bed import Bed, Fault

ROOT = Path(__file__).parent.parent
MUTMUT = ("mutmut==3.8.1",)
DRAW = ROOT / "bench/faults/draw_mutants.py"
EXPLAINED = ROOT / "bench/faults/equivalent_mutants.yaml"

# Tests that look into every part.
EVERY = ("lib/test_examples_in_docstrings.py", "test_counts_of_zero.py")
MARKS = ("not slow and not prove", "slow and not prove")


class Part(NamedTuple):
    """Files below stages/ that are mutated, and the files and folders below tests/ that must notice."""

    files: Sequence[str]
    tests: Sequence[str]


PARTS = {
    "split": Part(
        (
            "split/assign.py", "split/assignment.py", "split/audit.py", "split/components.py",
            "split/constraints.py", "split/evaluation_set.py", "split/giants.py", "split/given.py",
            "split/leakage.py", "split/masked_documents.py", "split/metrics.py",
            "split/straddling.py", "lib/text/held_out.py", "lib/text/matches.py",
        ),
        ("split", "lib/text/test_matches.py", "validate/test_leakage.py"),
    ),
    "near-duplicates": Part(
        (
            "deduplicate/near_duplicates.py", "deduplicate/text_differences.py",
            "lib/text/similarity_join.py", "lib/text/join_queries.py", "lib/text/normal_form.py",
            "lib/text/strict_form.py", "lib/text/overlap.py",
        ),
        ("deduplicate", "lib/text"),
    ),
    "statistics": Part(
        (
            "lib/analysis/intervals.py", "lib/analysis/probe.py", "lib/analysis/separation.py",
            "lib/evaluation/weights.py", "lib/schemas/reviews.py",
        ),
        (
            "lib/analysis", "lib/evaluation/test_weights.py", "lib/schemas/test_reviews.py", "validate/test_separation.py",
            "validate/test_probe_experiment.py", "commands/compare/test_verdicts.py",
            "mine/test_false_negatives.py",
        ),
    ),
    "ranking": Part(
        (
            "lib/evaluation/ranking_metrics.py", "lib/evaluation/evaluation_set.py",
            "lib/retrieval/search.py", "lib/schemas/queries_from_pairs.py", "evaluate/graded.py",
            "evaluate/results.py",
        ),
        (
            "lib/evaluation", "lib/retrieval/test_search.py", "evaluate/test_graded.py",
            "evaluate/test_results.py", "evaluate/test_results_gains.py",
            "lib/schemas/test_queries_from_pairs.py", "split/test_evaluation_set.py",
        ),
    ),
    "mine": Part(
        (
            "mine/batch.py", "mine/batch_conflicts.py", "mine/false_negatives.py",
            "mine/filters.py", "mine/labelled.py", "mine/mining.py", "mine/relations.py",
            "mine/selection.py",
        ),
        ("mine",),
    ),
    "representatives": Part(
        (
            "deduplicate/representatives.py",
            "deduplicate/repeated_pairs.py",
            "deduplicate/invariants.py",
        ),
        ("deduplicate",),
    ),
    "pair": Part(("pair/candidates.py", "pair/filters.py", "pair/recipes.py"), ("pair",)),
    "batches": Part(
        ("finetune/batches.py", "finetune/losses.py", "finetune/model_selection.py"), ("finetune",)
    ),
    "gates": Part(
        (
            "validate/gates.py", "validate/row_quality.py", "validate/probe_result.py",
            "validate/split_worth.py", "lib/reporting/gates.py",
        ),
        ("validate", "report/test_advice.py", "lib/reporting/test_gates.py"),
    ),
    "compare": Part(
        ("commands/compare/alignment.py", "commands/compare/verdicts.py"), ("commands/compare",)
    ),
}  # fmt: skip


class Mutant(NamedTuple):
    """A fault: its part, the file, the line, and the source of the file with the fault."""

    part: str
    file: str
    line: int
    source: str

    @property
    def key(self) -> str:
        """A name for what is found of it."""
        return hashlib.sha256(f"{self.file} {self.source}".encode()).hexdigest()

    def function(self) -> str:
        """Return the name of the innermost function around the fault; "" outside of functions."""
        tree = ast.parse((ROOT / self.file).read_text("utf-8"))
        around = [
            (node.lineno, node.name)
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef)
            and node.lineno <= self.line <= (node.end_lineno or node.lineno)
        ]
        return max(around, default=(0, ""))[1]

    def change(self) -> list[str]:
        """Return the changed lines: old ones begin with "-", new ones with "+"."""
        before = (ROOT / self.file).read_text("utf-8").splitlines()
        lines = difflib.unified_diff(before, self.source.splitlines(), lineterm="", n=0)
        return [f"{line[0]} {line[1:].strip()}" for line in list(lines)[2:] if line[0] in "+-"]


def draw(parts: Mapping[str, Part], count: int, seed: int, folder: Path) -> list[Mutant]:
    """Return `count` faults, about as many for each part."""
    files = {name: [f"stages/{file}" for file in part.files] for name, part in parts.items()}
    request = {"root": str(ROOT), "parts": files, "count": count, "seed": seed}
    (folder / "request.json").write_text(json.dumps(request), "utf-8")
    places = [str(folder / "request.json"), str(folder / "drawn.json")]
    peers.run("mutmut", MUTMUT, DRAW.read_text("utf-8"), *places)
    return [Mutant(**row) for row in json.loads((folder / "drawn.json").read_text("utf-8"))]


def read_explained() -> dict[tuple[str, ...], str]:
    """Return the reason by file, function and changed lines."""
    from ruamel.yaml import YAML

    rows = YAML(typ="safe").load(EXPLAINED.read_text("utf-8")) or []
    return {(row["file"], row["function"], *row["change"]): row["reason"] for row in rows}


def find(mutants: Sequence[Mutant], tree: Path, results: Path, marks: Sequence[str]) -> list[str]:
    """Return the test that noticed each fault; "" for those that none did.

    Args:
        mutants: the faults.
        tree: where the copy of the project is made.
        results: a folder of what earlier runs found, which grows.
        marks: which tests run. The later ones see what the earlier ones did not notice.
    """
    results.mkdir(parents=True, exist_ok=True)
    bed = Bed(tree)
    tests = dict.fromkeys(mutants, "")
    for (name, part), mark in product(PARTS.items(), marks):
        found = results / f"{name}, {mark}.jsonl"
        found.touch()
        unseen = [mutant for mutant in mutants if mutant.part == name and not tests[mutant]]
        known = _read_found(found)
        new = {one.key: one for one in unseen if one.key not in known}
        faults = [Fault(one.file, one.source, key) for key, one in new.items()]
        if faults:
            bed.run((*part.tests, *EVERY), mark, faults, found)
        known = _read_found(found)
        tests |= {mutant: known[mutant.key] for mutant in unseen}
        print(f"{name}, {mark}: {len(faults)} faults", file=sys.stderr, flush=True)
    return [tests[mutant] for mutant in mutants]


def _read_found(file: Path) -> dict[str, str]:
    return dict(map(json.loads, file.read_text("utf-8").splitlines()))


def judge(mutants: Sequence[Mutant], tests: Sequence[str]) -> list[str]:
    """Return what came of each fault, killed, explained or survived, and print it."""
    explained = read_explained()
    outcomes = []
    for mutant, test in zip(mutants, tests, strict=True):
        name = (mutant.file, mutant.function(), *mutant.change())
        unseen = "explained" if name in explained else "survived"
        outcomes.append("killed" if test else unseen)
        print(f"{outcomes[-1]:10}{mutant.part}  {mutant.file}:{mutant.line}  {test}")
        if not test:
            print("".join(f"    {line}\n" for line in mutant.change()), end="")
    return outcomes


def main() -> None:
    """Draw, plant, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--count", type=int, default=78)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--results", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    # Inputs of Hypothesis and threads are those of every run.
    os.environ |= {"CI": "1", "OMP_NUM_THREADS": "1", "PAIRSMITH_WORKERS": "1"}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        os.environ["PAIRSMITH_CACHE"] = str(folder / "cache")
        parts = {name: PARTS[name] for name in options.parts}
        mutants = draw(parts, options.count, options.seed, folder)
        results = options.results or folder / "results"
        marks = MARKS[:1] if options.fast else MARKS
        tests = find(mutants, folder / "project", results, marks)
    outcomes = judge(mutants, tests)

    counts = Counter(outcomes)
    noticed = (counts["killed"] + counts["explained"]) / len(outcomes)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    figures = {
        "planted": len(outcomes),
        **{name: counts[name] for name in ("killed", "explained", "survived")},
        "noticed": round(noticed, 4),
        "seconds": round(usage.ru_utime + usage.ru_stime),
    }
    print(
        json.dumps(figures) if options.json else "\n".join(f"{k:10}{v}" for k, v in figures.items())
    )


if __name__ == "__main__":
    main()
