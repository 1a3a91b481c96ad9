"""How often `verdict` is wrong, on random parts of real runs.

python bench/referee.py QRELS RUN RUN [--texts FILE] [--trials 500] [--seed 1] [--json]
python bench/referee.py QRELS RUN RUN --replays 100 [--start 60] [--delta 0.01]
python bench/referee.py QRELS RUN RUN --judge-labels FILE [--labelled 30]

false_verdicts   share of trials with "better" or "worse", where there is nothing to find: in each
                 trial half of the groups is drawn, and a coin exchanges the two runs in each of
                 them. Goal: at most 0.065
coverage         share of trials whose 95 % interval holds the mean difference of all groups; each
                 trial draws half as many groups as there are, with replacement, so that all groups
                 are the population. Goal: 0.93 to 0.97

With --replays: is "n more queries would decide" true? Each replay draws --start groups with
replacement. If they give no evidence, it draws groups for the n queries told, and judges again.

no_evidence      share of the draws without evidence; the other figures are of these
too_far          share of those with an n of more than 20,000 queries, which are not replayed
told             median of the n told, of the others
in_time          share with a verdict after n more queries. Goal: 0.8
in_a_quarter     share with a verdict after 1.25 n more queries
half             share with a verdict after n / 2 more queries

With --judge-labels: labels of a judge for all queries, and of people for some drawn by chance.

judge_coverage   as coverage, by labels of both
people_coverage  as coverage, by labels of people alone
error_ratio      median standard error by both, divided by that of people alone. Goal: at most 0.8
true_error_ratio the same of the errors against the mean of all groups
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).parent.parent))

from stages.commands.verdict.checks import judged_queries
from stages.commands.verdict.differences import Comparison, Difference, compare_difference
from stages.commands.verdict.groups import each_alone, groups_from_texts
from stages.commands.verdict.measures import measure_run, parse_measure
from stages.commands.verdict.pairs import GROUP_WEIGHT, run_difference
from stages.commands.verdict.prediction_powered import join_labels, t_quantile
from stages.commands.verdict.run_files import read_qrels, read_run
from stages.commands.verdict.sample_size import queries_to_decide
from stages.lib.evaluation.weights import weighted_mean

# So small that no difference counts as none.
_DELTA = 1e-9

# Larger numbers of queries are not replayed.
_MOST_QUERIES = 20_000


Values = npt.NDArray[np.float64]
Names = npt.NDArray[np.str_]


class RunDifferences(NamedTuple):
    """The difference of two runs for each judged query, shape (queries,), and its group."""

    query_ids: list[str]
    differences: Values
    groups: Names


def differences_of_runs(
    qrels_file: Path, run_files: Sequence[Path], texts: Path | None, measure_name: str
) -> RunDifferences:
    """Return by how much the second run is better than the first one for each query.

    Without the file of texts each query is a group of its own.
    """
    qrels = read_qrels(qrels_file)
    runs = {str(path): read_run(path) for path in run_files}
    query_ids = judged_queries(qrels, runs, count_missing=True)
    measure = parse_measure(measure_name)
    first, second = (measure_run(run, qrels, query_ids, measure) for run in runs.values())

    group_of = each_alone(query_ids)
    if texts:
        group_of = groups_from_texts(texts, qrels, query_ids)
    groups = np.array([group_of[query_id] for query_id in query_ids])
    return RunDifferences(list(query_ids), second - first, groups)


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


def draw_groups(
    rows_of_group: list[npt.NDArray[np.int64]], random: np.random.Generator, least_queries: int
) -> list[npt.NDArray[np.int64]]:
    """Return the rows of groups drawn with replacement, until they hold so many queries."""
    drawn = []
    queries = 0
    while queries < least_queries:
        rows = rows_of_group[random.integers(len(rows_of_group))]
        drawn.append(rows)
        queries += len(rows)
    return drawn


def judged(
    differences: Values, drawn: list[npt.NDArray[np.int64]], delta: float
) -> tuple[Difference, Comparison]:
    """Return the verdict on groups, each of which counts as one of its own."""
    values = differences[np.concatenate(drawn)]
    sizes = [len(rows) for rows in drawn]
    names = np.repeat(np.arange(len(drawn)), sizes).astype(str)
    difference = run_difference(values * 0.0, values, names, "measure")
    return difference, compare_difference(difference, delta)


def rows_by_group(groups: Names) -> list[npt.NDArray[np.int64]]:
    """Return the rows of each group."""
    return [np.flatnonzero(groups == name) for name in np.unique(groups)]


def replays(
    differences: Values, groups: Names, *, count: int, start: int, delta: float, seed: int
) -> dict[str, float]:
    """Return how often the verdict comes with the number of queries that is told."""
    random = np.random.default_rng(seed)
    rows_of_group = rows_by_group(groups)
    told: list[int] = []
    decided: dict[str, list[bool]] = {"half": [], "in_time": [], "in_a_quarter": []}
    no_evidence = too_far = 0
    for _ in range(count):
        chosen = random.integers(len(rows_of_group), size=start)
        drawn = [rows_of_group[number] for number in chosen]
        difference, comparison = judged(differences, drawn, delta)
        if comparison.outcome != "no evidence":
            continue
        no_evidence += 1
        more = queries_to_decide(difference, comparison, delta)
        if more is None or more > _MOST_QUERIES:
            too_far += 1
            continue

        # One way of going on, at three points of it.
        told.append(more)
        added = draw_groups(rows_of_group, random, math.ceil(1.25 * more))
        sizes = np.cumsum([len(rows) for rows in added])
        for name, factor in (("half", 0.5), ("in_time", 1.0), ("in_a_quarter", 1.25)):
            last = int(np.searchsorted(sizes, factor * more)) + 1
            _, later = judged(differences, drawn + added[:last], delta)
            decided[name].append(later.outcome != "no evidence")

    return {
        "no_evidence": no_evidence / count,
        "too_far": too_far / max(1, no_evidence),
        "told": float(np.median(told)) if told else float("nan"),
        **{name: float(np.mean(values)) for name, values in decided.items()},
    }


def judge_trials(
    by_people: Values, by_judge: Values, groups: Names, *, labelled: int, count: int, seed: int
) -> dict[str, float]:
    """Return what the labels of a judge are worth beside those of people."""
    random = np.random.default_rng(seed)
    rows_of_group = rows_by_group(groups)
    truth = weighted_mean(by_people, groups, GROUP_WEIGHT)
    estimates = []
    for _ in range(count):
        drawn = [
            rows_of_group[number]
            for number in random.integers(len(rows_of_group), size=len(rows_of_group))
        ]
        rows = np.concatenate(drawn)
        names = np.repeat(np.arange(len(drawn)), [len(part) for part in drawn]).astype(str)
        is_labelled = np.zeros(len(rows), dtype=bool)
        is_labelled[random.choice(len(rows), labelled, replace=False)] = True
        estimates.append(
            join_labels(by_people[rows], by_judge[rows], is_labelled, names, GROUP_WEIGHT)
        )

    covered = people_covered = 0
    for estimate in estimates:
        low, high = estimate.interval(0.95)
        covered += low <= truth <= high
        margin = t_quantile(0.975, estimate.labelled_groups - 1) * estimate.people_error
        people_covered += abs(estimate.people_mean - truth) <= margin
    ratios = [estimate.standard_error / estimate.people_error for estimate in estimates]
    errors = np.std([estimate.mean for estimate in estimates])
    people_errors = np.std([estimate.people_mean for estimate in estimates])
    return {
        "judge_coverage": covered / count,
        "people_coverage": people_covered / count,
        "error_ratio": float(np.median(ratios)),
        "true_error_ratio": float(errors / people_errors),
    }


def main() -> None:
    """Print the shares."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("qrels", type=Path)
    parser.add_argument("runs", nargs=2, type=Path)
    parser.add_argument("--texts", type=Path)
    parser.add_argument("--measure", default="nDCG@10")
    parser.add_argument("--trials", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--replays", type=int)
    parser.add_argument("--start", type=int, default=60)
    parser.add_argument("--delta", type=float, default=0.01)
    parser.add_argument("--judge-labels", type=Path)
    parser.add_argument("--labelled", type=int, default=30)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()

    measured = differences_of_runs(
        arguments.qrels, arguments.runs, arguments.texts, arguments.measure
    )
    query_ids, differences, groups = measured

    result = {
        "queries": len(query_ids),
        "groups": len(np.unique(groups)),
        "difference": round(float(differences.mean()), 4),
    }
    if arguments.replays:
        result |= replays(
            differences,
            groups,
            count=arguments.replays,
            start=arguments.start,
            delta=arguments.delta,
            seed=arguments.seed,
        )
    elif arguments.judge_labels:
        judge_labels = read_qrels(arguments.judge_labels)
        measure = parse_measure(arguments.measure)
        runs = [read_run(path) for path in arguments.runs]
        by_judge = [measure_run(run, judge_labels, query_ids, measure) for run in runs]
        result |= judge_trials(
            differences,
            by_judge[1] - by_judge[0],
            groups,
            labelled=arguments.labelled,
            count=arguments.trials,
            seed=arguments.seed,
        )
    else:
        result |= trials(differences, groups, arguments.trials, arguments.seed)
    if arguments.json:
        print(json.dumps(result))
        return
    for name, value in result.items():
        print(f"{name:16}{value:>10,}" if isinstance(value, int) else f"{name:16}{value:>10.4f}")


if __name__ == "__main__":
    main()
