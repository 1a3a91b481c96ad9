"""How often `verdict` is wrong, on random parts of real runs.

python bench/referee.py QRELS RUN RUN [--texts FILE] [--trials 500] [--seed 1] [--json]

false_verdicts   share of trials with "better" or "worse", where there is nothing to find: in each
                 trial half of the groups is drawn, and a coin exchanges the two runs in each of
                 them. Goal: at most 0.065
coverage         share of trials whose 95 % interval holds the mean difference of all groups; each
                 trial draws half as many groups as there are, with replacement, so that all groups
                 are the population. Goal: 0.93 to 0.97
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).parent.parent))

from stages.commands.verdict.checks import judged_queries
from stages.commands.verdict.differences import compare_difference
from stages.commands.verdict.groups import each_alone, groups_from_texts
from stages.commands.verdict.measures import measure_run, parse_measure
from stages.commands.verdict.pairs import GROUP_WEIGHT, run_difference
from stages.commands.verdict.run_files import read_qrels, read_run
from stages.lib.evaluation.weights import weighted_mean

# So small that no difference counts as none.
_DELTA = 1e-9


Values = npt.NDArray[np.float64]
Names = npt.NDArray[np.str_]


def draw(
    differences: Values, groups: Names, random: np.random.Generator, *, null: bool
) -> tuple[Values, Names]:
    """Return the differences and groups of one trial.

    With `null` half of the groups is drawn once each, and the sign of each is by chance. Without it
    as many are drawn with replacement, each as a group of its own.
    """
    names = np.unique(groups)
    chosen = random.choice(names, size=len(names) // 2, replace=not null)
    values = []
    numbers = []
    for number, name in enumerate(chosen):
        of_group = differences[groups == name]
        sign = random.choice([-1.0, 1.0]) if null else 1.0
        values.append(of_group * sign)
        numbers.append(np.full(len(of_group), number))
    return np.concatenate(values), np.concatenate(numbers).astype(str)


def trials(differences: Values, groups: Names, count: int, seed: int) -> dict[str, float]:
    """Return the share of false verdicts and the coverage."""
    random = np.random.default_rng(seed)
    truth = weighted_mean(differences, groups, GROUP_WEIGHT)
    false_verdicts = covered = 0
    for _ in range(count):
        for null in (True, False):
            drawn, drawn_groups = draw(differences, groups, random, null=null)
            difference = run_difference(drawn * 0.0, drawn, drawn_groups, "measure")
            comparison = compare_difference(difference, _DELTA)
            effect = comparison.effect
            if effect is None:
                raise SystemExit("half of the groups are too few for a verdict")
            if null:
                false_verdicts += comparison.outcome in ("better", "worse")
            else:
                covered += effect.low <= truth <= effect.high

    return {"false_verdicts": false_verdicts / count, "coverage": covered / count}


def main() -> None:
    """Print the shares."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("qrels", type=Path)
    parser.add_argument("runs", nargs=2, type=Path)
    parser.add_argument("--texts", type=Path)
    parser.add_argument("--measure", default="nDCG@10")
    parser.add_argument("--trials", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()

    # The difference of each query, and its group.
    qrels = read_qrels(arguments.qrels)
    runs = {str(path): read_run(path) for path in arguments.runs}
    query_ids = judged_queries(qrels, runs, count_missing=True)
    measure = parse_measure(arguments.measure)
    first, second = (measure_run(run, qrels, query_ids, measure) for run in runs.values())
    group_of = each_alone(query_ids)
    if arguments.texts:
        group_of = groups_from_texts(arguments.texts, qrels, query_ids)
    groups = np.array([group_of[query_id] for query_id in query_ids])

    result = {
        "queries": len(query_ids),
        "groups": len(np.unique(groups)),
        "difference": round(float((second - first).mean()), 4),
        **trials(second - first, groups, arguments.trials, arguments.seed),
    }
    if arguments.json:
        print(json.dumps(result))
        return
    for name, value in result.items():
        print(f"{name:16}{value:>10,}" if isinstance(value, int) else f"{name:16}{value:>10.4f}")


if __name__ == "__main__":
    main()
