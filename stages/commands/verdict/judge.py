"""From runs and qrels to the verdict: in memory, and from files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stages.commands.verdict.checks import (
    RunFacts,
    check_depths,
    judged_queries,
    queries_of_judge,
    run_facts,
)
from stages.commands.verdict.groups import each_alone, groups_from_texts, read_groups, read_texts
from stages.commands.verdict.measures import (
    Measure,
    Names,
    Run,
    Scores,
    condensed_run,
    measure_run,
    parse_measure,
)
from stages.commands.verdict.options import VerdictOptions
from stages.commands.verdict.pairs import JointScores, compare_joint_runs, compare_runs
from stages.commands.verdict.prediction_powered import MIN_LABELLED_GROUPS
from stages.commands.verdict.run_files import read_qrels, read_run
from stages.commands.verdict.sheet import read_labels, with_labels, write_sheet
from stages.commands.verdict.slices import (
    SliceNames,
    compare_joint_slices,
    compare_slices,
    read_slices,
)
from stages.commands.verdict.text import Verdict
from stages.commands.verdict.unjudged import decisive_hits
from stages.lib.core.errors import UserError

_UNGROUPED = (
    "Each query counts as independent. If some ask nearly the same, or have the same answer, the "
    "intervals are too narrow: add --groups."
)


class VerdictRules(NamedTuple):
    """How runs are measured and compared.

    Attributes:
        measure: nDCG@K, RR@K, AP@K, R@K or Success@K.
        delta: the largest difference that counts as none.
        count_missing: whether a query without hits counts as 0. Else it is an error.
        condensed: whether unjudged hits are removed before measuring. Else they count as not
            relevant.
    """

    measure: str = "nDCG@10"
    delta: float = 0.01
    count_missing: bool = False
    condensed: bool = False


_RULES = VerdictRules()


class ComparableRuns(NamedTuple):
    """Runs that were checked.

    Attributes:
        runs: name to run; the first is the base.
        qrels: query to graded documents, for all queries.
        people: the same by people, for some queries, where `qrels` are labels of a judge; None
            where they are not.
        query_ids: the queries that are measured, sorted.
        measure: the measure.
        facts: name of the run to what it holds.
    """

    runs: Mapping[str, Run]
    qrels: Run
    people: Run | None
    query_ids: list[str]
    measure: Measure
    facts: Mapping[str, RunFacts]


def judge(
    runs: Mapping[str, Run],
    qrels: Run,
    rules: VerdictRules = _RULES,
    *,
    group_of: Mapping[str, str] | None = None,
    slice_names: SliceNames | None = None,
    judge_labels: Run | None = None,
) -> Verdict:
    """Return the verdict on some runs, given as pytrec_eval takes them.

    Args:
        runs: name to run, which is query to document to score. The first run is the base.
        qrels: query to document to grade.
        rules: how they are measured and compared.
        group_of: query to group, for every query of the qrels; None: each query is one.
        slice_names: column to query to the name of its slice, such as a language. Each slice gets
            a verdict, on the last run against the first.
        judge_labels: labels of a judge, such as a language model, for the hits of all queries.
            Then `qrels` are labels of people for some of the queries, drawn by chance.

    Raises:
        UserError: the runs cannot be compared.

    >>> qrels = {f"q{number}": {"right": 1} for number in range(60)}
    >>> base = {query_id: {"wrong": 2.0, "right": 1.0} for query_id in qrels}
    >>> new = {query_id: {"right": 2.0, "wrong": 1.0} for query_id in qrels}
    >>> verdict = judge({"base": base, "new": new}, qrels, VerdictRules(measure="RR@10"))
    >>> verdict.means, verdict.last_against_first.comparison.outcome
    ({'base': 0.5, 'new': 1.0}, 'better')
    """
    comparable = check_runs(runs, qrels, rules, judge_labels)
    if group_of is not None:
        missing = [query_id for query_id in comparable.query_ids if query_id not in group_of]
        if missing:
            raise UserError(
                f"{len(missing):,} queries have no group, such as {missing[0][:40]!r}",
                "give each query a group; one that stands alone has a group of its own",
            )
    groups = group_of or each_alone(comparable.query_ids)
    verdict = judge_comparable(comparable, groups, rules, slice_names or {})
    return verdict if group_of is not None else verdict._replace(warning=_UNGROUPED)


def check_runs(
    runs: Mapping[str, Run], qrels: Run, rules: VerdictRules, judge_labels: Run | None = None
) -> ComparableRuns:
    """Return the runs with the queries that are measured.

    Raises:
        UserError: the runs cannot be compared.
    """
    measure = parse_measure(rules.measure)
    if judge_labels is None:
        query_ids = judged_queries(qrels, runs, count_missing=rules.count_missing)
    else:
        query_ids = queries_of_judge(qrels, judge_labels, runs, count_missing=rules.count_missing)

    labels = qrels if judge_labels is None else judge_labels
    facts = {name: run_facts(run, labels, query_ids, measure) for name, run in runs.items()}
    check_depths(facts, measure)
    people = None if judge_labels is None else qrels
    return ComparableRuns(runs, labels, people, query_ids, measure, facts)


def judge_comparable(
    comparable: ComparableRuns,
    group_of: Mapping[str, str],
    rules: VerdictRules,
    slice_names: SliceNames,
) -> Verdict:
    """Return the verdict on runs that were checked, with the group and the slices of each query.

    Raises:
        UserError: people labelled too few groups for any estimate beside a judge.
    """
    query_ids = comparable.query_ids
    groups = _group_names(group_of, query_ids)
    scores_of_run = _scores(comparable, comparable.qrels, query_ids, rules)
    verdict = Verdict(
        measure=comparable.measure,
        means={name: float(scores.mean()) for name, scores in scores_of_run.items()},
        pairs=[],
        facts=comparable.facts,
        groups=len(np.unique(groups)),
        queries=len(query_ids),
        largest_group=max(Counter(groups.tolist()).values()),
        condensed=rules.condensed,
        delta=rules.delta,
    )
    if comparable.people is not None:
        joint = _joint_scores(comparable, scores_of_run, groups, rules)
        verdict = _judge_jointly(comparable, verdict, joint, groups, rules)
        if not slice_names:
            return verdict
        return verdict._replace(
            slices=compare_joint_slices(
                joint, query_ids, groups, slice_names=slice_names, delta=rules.delta
            )
        )

    # Slices are a question about two runs: the last one against the first.
    first, *_, last = scores_of_run
    slices = compare_slices(
        scores_of_run[first],
        scores_of_run[last],
        query_ids,
        groups,
        slice_names=slice_names,
        delta=rules.delta,
    )
    name = comparable.measure.name
    pairs = compare_runs(scores_of_run, query_ids, groups, name=name, delta=rules.delta)
    return verdict._replace(pairs=pairs, slices=slices)


def _scores(
    comparable: ComparableRuns, qrels: Run, query_ids: list[str], rules: VerdictRules
) -> dict[str, Scores]:
    """Return name of the run to the measure of each query, by some labels."""
    scores_of_run: dict[str, Scores] = {}
    for name, run in comparable.runs.items():
        measured = condensed_run(run, qrels) if rules.condensed else run
        scores_of_run[name] = measure_run(measured, qrels, query_ids, comparable.measure)
    return scores_of_run


def _joint_scores(
    comparable: ComparableRuns,
    by_judge: Mapping[str, Scores],
    groups: Names,
    rules: VerdictRules,
) -> JointScores:
    """Return the measures by labels of people and of a judge.

    Raises:
        UserError: people labelled too few groups for any estimate.
    """
    people = comparable.people or {}
    query_ids = comparable.query_ids
    is_labelled = np.array([query_id in people for query_id in query_ids])
    labelled_groups = len(np.unique(groups[is_labelled]))
    if labelled_groups < MIN_LABELLED_GROUPS:
        raise UserError(
            f"people labelled queries of {labelled_groups:,} groups, and {MIN_LABELLED_GROUPS} "
            "are needed beside the labels of a judge",
            "label the hits of more queries, drawn by chance",
        )

    # Where people labelled nothing, an empty query has the measure 0, which does not count.
    labels = {query_id: people.get(query_id, {}) for query_id in query_ids}
    by_people = _scores(comparable, labels, query_ids, rules)
    return JointScores(by_people, by_judge, is_labelled)


def _judge_jointly(
    comparable: ComparableRuns,
    verdict: Verdict,
    scores: JointScores,
    groups: Names,
    rules: VerdictRules,
) -> Verdict:
    """Return the verdict by labels of people and of a judge."""
    name = comparable.measure.name
    pairs = compare_joint_runs(scores, comparable.query_ids, groups, name=name, delta=rules.delta)

    # The first run has its own estimate, and each other one the difference to it.
    first = next(iter(scores.by_judge))
    means = {first: scores.join(first, None, groups).mean}
    for pair in pairs:
        if pair.first == first:
            means[pair.second] = pair.comparison.after
    return verdict._replace(means=means, pairs=pairs)


def judge_files(path_of_run: Mapping[str, Path], options: VerdictOptions) -> Verdict:
    """Return the verdict on runs in files, and write the sheet that was asked for.

    Args:
        path_of_run: name to file of each run; the first is the base.
        options: the judgements, and all else.

    Raises:
        UserError: a file cannot be read, or the runs cannot be compared.
    """
    if (options.judge is None) != (options.sheet is None):
        raise UserError("--judge and --sheet belong together", "add the other one")
    if options.judge is not None and options.judge_labels is not None:
        raise UserError(
            "beside labels of a judge people label queries that were drawn by chance, and --judge "
            "lists others",
            "leave out --judge or --judge-labels",
        )

    qrels: Run = read_qrels(options.qrels)
    for path in options.labels or ():
        qrels = with_labels(qrels, read_labels(path), path)
    runs = {name: read_run(path) for name, path in path_of_run.items()}
    rules = VerdictRules(options.measure, options.delta, options.missing_as_zero, options.condensed)
    judge_labels = read_qrels(options.judge_labels) if options.judge_labels else None
    comparable = check_runs(runs, qrels, rules, judge_labels)

    group_of = _find_groups(options.groups, comparable)
    query_ids = comparable.query_ids
    slice_names = read_slices(options.slices, query_ids) if options.slices else {}
    verdict = judge_comparable(comparable, group_of, rules, slice_names)
    if options.groups is None:
        verdict = verdict._replace(warning=_UNGROUPED)

    if options.judge is None or options.sheet is None:
        return verdict
    return verdict._replace(sheet=_write_sheet(comparable, group_of, options))


def _find_groups(path: Path | None, comparable: ComparableRuns) -> dict[str, str]:
    """Return the group of each query, which are resampled as one."""
    if path is None:
        return each_alone(comparable.query_ids)
    if path.suffix == ".jsonl":
        return groups_from_texts(path, comparable.qrels, comparable.query_ids)
    return read_groups(path, comparable.query_ids)


def _write_sheet(
    comparable: ComparableRuns, group_of: Mapping[str, str], options: VerdictOptions
) -> str:
    """Write the sheet, and return what it holds in one sentence."""
    assert options.judge is not None
    assert options.sheet is not None
    hits = decisive_hits(
        comparable.runs,
        comparable.qrels,
        comparable.query_ids,
        groups=_group_names(group_of, comparable.query_ids),
        measure=comparable.measure,
        count=options.judge,
        labelled=set(read_labels(options.sheet)) if options.sheet.exists() else set(),
    )
    has_texts = options.groups is not None and options.groups.suffix == ".jsonl"
    query_texts = read_texts(options.groups) if has_texts and options.groups else {}
    document_texts = read_texts(options.corpus) if options.corpus else {}
    write_sheet(options.sheet, hits, list(comparable.runs), query_texts, document_texts)
    if not hits:
        return f"{options.sheet}: no hit is unjudged."
    return (
        f"{options.sheet} lists {len(hits):,} unjudged hits. The first one alone would move the "
        f"difference by {hits[0].change:.4f} if it were relevant."
    )


def _group_names(group_of: Mapping[str, str], query_ids: list[str]) -> Names:
    return np.array([group_of[query_id] for query_id in query_ids], dtype=str)
