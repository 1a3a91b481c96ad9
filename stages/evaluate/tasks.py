"""The retrieval tasks of the stage: evaluation sets with the corpus that each searches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from stages.evaluate.diagnostics import RankedSet
from stages.evaluate.graded import graded_documents
from stages.evaluate.interface import (
    EvaluateParams,
    EvaluationSetFiles,
    Inputs,
    OutOfDomainFiles,
    SplitFiles,
)
from stages.evaluate.results import metrics_by_depth, query_results, run_rows
from stages.evaluate.systems import Systems, pairs_in_corpus, rank
from stages.lib.evaluation.evaluation_set import EvaluationSet, resolve_masked, resolve_qrels
from stages.lib.retrieval.corpus import Corpus, corpus_from_passages
from stages.lib.schemas.evaluation_set import ScoredPairs
from stages.lib.schemas.queries_from_pairs import queries_and_qrels


class RetrievalTask(NamedTuple):
    """An evaluation set and the corpus that it searches.

    Attributes:
        corpus: the documents, in ascending order of id.
        evaluation_set: the queries, and the relevant documents of each.
        scored_pairs: pairs that a person scored, with the position of the document in the corpus.
        graded: query id to the documents that have a grade, relevant or not.
    """

    corpus: Corpus
    evaluation_set: EvaluationSet
    scored_pairs: pd.DataFrame
    graded: Mapping[str, frozenset[str]] = {}


def read_tasks(inputs: Inputs) -> dict[str, RetrievalTask]:
    """Return evaluation set name to its task. All but `out_of_domain` search the same corpus."""
    # A kept document stands for its dropped copies.
    aliases = inputs.aliases.frame()
    kept_id_of = dict(zip(aliases["doc_id"], aliases["kept_id"], strict=True))

    # The sets of the splits search one corpus.
    corpus = corpus_from_passages(inputs.passages.frame())

    def task_of(files: EvaluationSetFiles) -> RetrievalTask:
        qrels = files.qrels.frame()
        grades = resolve_qrels(qrels, kept_id_of)
        masked = resolve_masked(files.masked.frame(), kept_id_of, grades)
        evaluation_set = EvaluationSet(files.queries.frame(), grades, qrels, masked)
        if not isinstance(files, SplitFiles):
            return RetrievalTask(corpus, evaluation_set, ScoredPairs.empty())

        return RetrievalTask(
            corpus,
            evaluation_set,
            pairs_in_corpus(files.scored.frame(), corpus, kept_id_of),
            graded_documents(files.grades.frame(), kept_id_of),
        )

    return {
        "validation": task_of(inputs.validation),
        "test": task_of(inputs.test),
        "out_of_domain": out_of_domain_task(inputs.out_of_domain),
        "synthetic": task_of(inputs.synthetic),
    }


def out_of_domain_task(files: OutOfDomainFiles) -> RetrievalTask:
    """Return the task that shows harm outside the domain. It may have no queries.

    Each pair is a component of its own document, and every anchor is a query as collected.
    """
    pairs = files.pairs.frame()
    pairs = pairs.assign(raw=pairs["anchor"], component_id=pairs["doc_id"])
    queries, qrels = queries_and_qrels(pairs)

    # Nothing is deduplicated outside the domain, so there are no copies.
    evaluation_set = EvaluationSet(queries, resolve_qrels(qrels, {}), qrels)
    return RetrievalTask(
        corpus_from_passages(files.passages.frame()), evaluation_set, ScoredPairs.empty()
    )


def rank_all(
    tasks: Mapping[str, RetrievalTask], systems: Systems, params: EvaluateParams
) -> dict[str, RankedSet]:
    """Return evaluation set name to its ranking; sets without queries are left out."""
    ranked_sets = {}
    for name, task in tasks.items():
        corpus = task.corpus
        evaluation_set = task.evaluation_set
        if not len(evaluation_set.queries):
            continue

        # Every table of a set follows from its hits.
        hits = rank(systems, corpus, evaluation_set)
        ranked_sets[name] = RankedSet(
            corpus=corpus,
            evaluation_set=evaluation_set,
            hits=hits,
            results=query_results(hits, corpus, evaluation_set, split=name),
            runs=run_rows(hits, corpus, evaluation_set, split=name),
            measures=metrics_by_depth(hits, corpus, evaluation_set, split=name, params=params),
        )
    return ranked_sets
