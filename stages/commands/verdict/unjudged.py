"""The unjudged hits whose labels would move the verdict most.

A hit counts by how much the difference of two runs would change if it were relevant. Its rank in
both runs decides that: a hit that both have at the same rank changes nothing, and one at rank 1 of
a single run changes most. It is the rule of Carterette, Allan and Sitaraman 2006 (minimal test
collections), for any measure. The mean weighs a query by its group, and so does the rule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import combinations, islice
from typing import NamedTuple

import numpy as np

from stages.commands.verdict.measures import (
    Measure,
    Names,
    Run,
    Scores,
    measure_gains,
    ranked_hits,
)
from stages.commands.verdict.pairs import GROUP_WEIGHT
from stages.lib.evaluation.weights import query_weights

# Hits that are measured in one block. It bounds the memory.
_BLOCK_HITS = 4096


class UnjudgedHit(NamedTuple):
    """A hit without a grade.

    Attributes:
        query_id: the query.
        doc_id: the document.
        ranks: its rank in each run, from 1; None where the run does not show it.
        change: how much the mean difference of two runs would change if it were relevant, without
            its sign; of several pairs the largest.
    """

    query_id: str
    doc_id: str
    ranks: tuple[int | None, ...]
    change: float


def decisive_hits(
    runs: Mapping[str, Run],
    qrels: Run,
    query_ids: Sequence[str],
    *,
    groups: Names,
    measure: Measure,
    count: int,
    labelled: Collection[tuple[str, str]] = (),
) -> list[UnjudgedHit]:
    """Return the `count` unjudged hits whose labels would move the verdict most, the first most.

    A hit that would change nothing is left out. Of equal ones the first by query and document
    comes first.

    Args:
        runs: name to run.
        qrels: query to graded documents.
        query_ids: the queries that are measured.
        groups: the group of each query, shape (queries,).
        measure: the measure. Hits below its depth count for nothing.
        count: how many are returned.
        labelled: (query, document) of hits that have a label elsewhere, and are left out.

    >>> runs = {"base": {"q": {"a": 2.0, "b": 1.0}}, "new": {"q": {"c": 2.0, "a": 1.0}}}
    >>> qrels = {"q": {"a": 1}}
    >>> settings = {"groups": np.array(["q"]), "measure": Measure("mrr", 10), "count": 5}
    >>> decisive_hits(runs, qrels, ["q"], **settings)
    [UnjudgedHit(query_id='q', doc_id='c', ranks=(None, 1), change=0.5)]
    """
    weights = query_weights(groups, GROUP_WEIGHT)
    weights = weights / weights.sum()
    grade = usual_grade(qrels)

    hits: list[UnjudgedHit] = []
    candidates = _candidates(runs, qrels, query_ids, measure, labelled)
    while block := list(islice(candidates, _BLOCK_HITS)):
        changes = _changes(block, len(runs), grade, measure)
        for candidate, change in zip(block, changes, strict=True):
            weighted = float(weights[candidate.row] * change)
            if weighted > 0:
                hits.append(
                    UnjudgedHit(candidate.query_id, candidate.doc_id, candidate.ranks, weighted)
                )

    hits.sort(key=lambda hit: (-hit.change, hit.query_id, hit.doc_id))
    return hits[:count]


def usual_grade(qrels: Run) -> float:
    """Return the most frequent grade above 0; of equally frequent ones the lowest.

    >>> usual_grade({"q1": {"a": 2, "b": 0}, "q2": {"c": 2, "d": 1}})
    2
    """
    grades = Counter(
        grade for of_query in qrels.values() for grade in of_query.values() if grade > 0
    )
    return min(grades, key=lambda grade: (-grades[grade], grade))


class _Candidate(NamedTuple):
    """An unjudged hit with what its query has.

    Attributes:
        row: the number of the query.
        query_id: the query.
        doc_id: the document.
        ranks: its rank in each run, from 1; None where the run does not show it.
        gains: the grades of the query's hits in each run, shape (runs, depth).
        grades: the grades of the relevant documents, the highest first.
    """

    row: int
    query_id: str
    doc_id: str
    ranks: tuple[int | None, ...]
    gains: Scores
    grades: list[float]


def _candidates(
    runs: Mapping[str, Run],
    qrels: Run,
    query_ids: Sequence[str],
    measure: Measure,
    labelled: Collection[tuple[str, str]],
) -> Iterator[_Candidate]:
    """Yield each unjudged hit down to the depth of the measure."""
    for row, query_id in enumerate(query_ids):
        graded = qrels[query_id]
        grades = sorted((grade for grade in graded.values() if grade > 0), reverse=True)

        # What each run shows, and what it is worth.
        gains = np.zeros((len(runs), measure.depth))
        rank_of: list[dict[str, int]] = []
        for number, run in enumerate(runs.values()):
            shown = ranked_hits(run.get(query_id, {}))[: measure.depth]
            gains[number, : len(shown)] = [max(0.0, graded.get(doc_id, 0.0)) for doc_id in shown]
            rank_of.append({doc_id: rank for rank, doc_id in enumerate(shown, start=1)})

        for doc_id in sorted({doc_id for ranks in rank_of for doc_id in ranks}):
            if doc_id not in graded and (query_id, doc_id) not in labelled:
                ranks = tuple(ranks.get(doc_id) for ranks in rank_of)
                yield _Candidate(row, query_id, doc_id, ranks, gains, grades)


def _changes(
    candidates: Sequence[_Candidate], run_count: int, grade: float, measure: Measure
) -> Scores:
    """Return by how much a difference of two runs changes if each is relevant: (candidates,)."""
    # The relevant documents without the hit and with it.
    depth = measure.depth
    ideal_before = np.zeros((len(candidates), depth))
    ideal_after = np.zeros((len(candidates), depth))
    for row, candidate in enumerate(candidates):
        grades = candidate.grades[:depth]
        more_grades = sorted([*candidate.grades, grade], reverse=True)[:depth]
        ideal_before[row, : len(grades)] = grades
        ideal_after[row, : len(more_grades)] = more_grades
    relevant = np.array([len(candidate.grades) for candidate in candidates], dtype=np.int64)

    # The change of each run, shape (runs, candidates).
    gains = np.stack([candidate.gains for candidate in candidates])
    rises = np.zeros((run_count, len(candidates)))
    for number in range(run_count):
        before = gains[:, number]
        after = before.copy()
        for row, candidate in enumerate(candidates):
            rank = candidate.ranks[number]
            if rank is not None:
                after[row, rank - 1] = grade
        rises[number] = measure_gains(after, ideal_after, relevant + 1, measure)
        rises[number] -= measure_gains(before, ideal_before, relevant, measure)

    # Differences that rounding alone makes are none.
    differences = [
        np.abs(rises[second] - rises[first]) for first, second in combinations(range(run_count), 2)
    ]
    largest = np.max(differences, axis=0)
    return np.where(largest > 1e-12, largest, 0.0)
