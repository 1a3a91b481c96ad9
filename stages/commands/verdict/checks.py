"""What is wrong with runs and qrels before anything is measured, in plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from stages.commands.verdict.measures import Measure, Run
from stages.lib.core.errors import UserError


class RunFacts(NamedTuple):
    """What a run holds of the queries that are measured.

    Attributes:
        depth: the most hits of a query.
        unjudged: the share of the hits, down to the depth of the measure, that have no grade.
        tied: the share of the queries with equal scores among these hits.
        missing: the queries without a hit, which count as 0.
    """

    depth: int
    unjudged: float
    tied: float
    missing: int


def judged_queries(qrels: Run, runs: Mapping[str, Run], *, count_missing: bool) -> list[str]:
    """Return the queries that have a relevant document, sorted.

    Args:
        qrels: query to graded documents.
        runs: name to run.
        count_missing: whether a query that a run lacks counts as 0 for it.

    Raises:
        UserError: no run has any of them, or a run lacks some and may not.
    """
    query_ids = sorted(query_id for query_id in qrels if max(qrels[query_id].values()) > 0)
    if not query_ids:
        raise UserError("the qrels name no relevant document", "name another file of qrels")

    check_queries(query_ids, runs, count_missing=count_missing)
    return query_ids


def queries_of_judge(
    qrels: Run, judge_labels: Run, runs: Mapping[str, Run], *, count_missing: bool
) -> list[str]:
    """Return the queries that a judge labelled, sorted: also those without a relevant document.

    Args:
        qrels: query to graded documents, by people.
        judge_labels: the same by the judge.
        runs: name to run.
        count_missing: whether a query that a run lacks counts as 0 for it.

    Raises:
        UserError: people labelled a query that the judge lacks, or a run lacks some and may not.
    """
    missing = sorted(query_id for query_id in qrels if query_id not in judge_labels)
    if missing:
        raise UserError(
            f"the judge has no labels for {len(missing):,} of {len(qrels):,} queries of the "
            f"qrels, such as {missing[0][:40]!r}",
            "let it label the hits of these queries too",
        )
    query_ids = sorted(judge_labels)
    check_queries(query_ids, runs, count_missing=count_missing)
    return query_ids


def check_queries(
    query_ids: Sequence[str], runs: Mapping[str, Run], *, count_missing: bool
) -> None:
    """Check that each run has the queries.

    Raises:
        UserError: no run has any of them, or a run lacks some and may not.
    """
    for name, run in runs.items():
        known = [query_id for query_id in query_ids if query_id in run]
        if not known:
            raise UserError(
                f"{name} has none of the {len(query_ids):,} queries of the qrels (it has "
                f"{next(iter(run))[:40]!r}, they have {query_ids[0][:40]!r})",
                "name the qrels of this run",
            )
        lacking = len(query_ids) - len(known)
        if lacking and not count_missing:
            missing = next(query_id for query_id in query_ids if query_id not in run)
            raise UserError(
                f"{name} has no hits for {lacking:,} of {len(query_ids):,} queries, such as "
                f"{missing[:40]!r}",
                "add --missing-as-zero to count them as 0, as trec_eval -c does",
            )


def check_depths(facts: Mapping[str, RunFacts], measure: Measure) -> None:
    """Check that no run is cut off where another one goes on.

    Raises:
        UserError: one is, within the depth of the measure.
    """
    shallow = min(facts, key=lambda name: facts[name].depth)
    deep = max(facts, key=lambda name: facts[name].depth)
    if facts[shallow].depth < min(measure.depth, facts[deep].depth):
        raise UserError(
            f"{shallow} has at most {facts[shallow].depth} hits a query and {deep} "
            f"{facts[deep].depth}: {measure.name} would compare what they cannot both have",
            f"write both runs to depth {measure.depth}, or measure at {facts[shallow].depth}",
        )


def run_facts(run: Run, qrels: Run, query_ids: list[str], measure: Measure) -> RunFacts:
    """Return what a run holds of the queries."""
    shown = unjudged = tied = missing = depth = 0
    for query_id in query_ids:
        hits = run.get(query_id, {})
        missing += not hits
        depth = max(depth, len(hits))
        ranked = sorted(hits, key=lambda doc_id: (hits[doc_id], doc_id), reverse=True)
        top = ranked[: measure.depth]
        shown += len(top)
        unjudged += sum(doc_id not in qrels[query_id] for doc_id in top)
        tied += len({hits[doc_id] for doc_id in top}) < len(top)

    return RunFacts(depth, unjudged / max(1, shown), tied / len(query_ids), missing)
