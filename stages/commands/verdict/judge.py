"""From the files of runs and qrels to the verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from stages.commands.verdict.checks import check_depths, judged_queries, run_facts
from stages.commands.verdict.groups import as_series, each_alone, groups_from_texts, read_groups
from stages.commands.verdict.measures import measure_run, parse_measure
from stages.commands.verdict.pairs import compare_runs
from stages.commands.verdict.run_files import read_qrels, read_run
from stages.commands.verdict.text import Verdict

_UNGROUPED = (
    "Each query counts as independent. If some ask nearly the same, or have the same answer, the "
    "intervals are too narrow: add --groups."
)


def judge_runs(
    path_of_run: Mapping[str, Path],
    qrels_file: Path,
    *,
    measure: str = "nDCG@10",
    delta: float = 0.01,
    groups: Path | None = None,
    count_missing: bool = False,
) -> Verdict:
    """Return the verdict on some runs.

    Args:
        path_of_run: name to file of each run; the first is the base.
        qrels_file: the judgements.
        measure: the name of the measure.
        delta: the largest difference that counts as none.
        groups: JSONL with the texts of the queries, to find the groups, or lines of query, tab,
            group; None: each query is one.
        count_missing: whether a query without hits counts as 0.

    Raises:
        UserError: a file cannot be read, or the runs cannot be compared.
    """
    parsed = parse_measure(measure)
    qrels = read_qrels(qrels_file)
    runs = {name: read_run(path) for name, path in path_of_run.items()}
    query_ids = judged_queries(qrels, runs, count_missing=count_missing)
    facts = {name: run_facts(run, qrels, query_ids, parsed) for name, run in runs.items()}
    check_depths(facts, parsed)

    # What is resampled as one.
    if groups is None:
        group_of = each_alone(query_ids)
    elif groups.suffix == ".jsonl":
        group_of = groups_from_texts(groups, qrels, query_ids)
    else:
        group_of = read_groups(groups, query_ids)

    scores_of_run = {name: measure_run(run, qrels, query_ids, parsed) for name, run in runs.items()}
    return Verdict(
        measure=parsed,
        means={name: float(scores.mean()) for name, scores in scores_of_run.items()},
        pairs=compare_runs(scores_of_run, as_series(group_of), name=parsed.name, delta=delta),
        facts=facts,
        groups=len(set(group_of.values())),
        queries=len(query_ids),
        largest_group=max(Counter(group_of.values()).values()),
        warning="" if groups else _UNGROUPED,
    )
