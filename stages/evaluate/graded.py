"""How much of what the systems find has a grade, where the evaluation set has grades.

A document without a grade counts as not relevant, as in TREC. Where few of the first hits have a
grade, a better system can score lower because it finds what nobody judged.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from stages.lib.retrieval.corpus import Corpus
from stages.lib.retrieval.search import Hits

DEPTH_OF_JUDGED = 10


def graded_documents(grades: pd.DataFrame, kept_of: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """Return query id to the documents that have a grade, relevant or not.

    Args:
        grades: a QueryGrades table.
        kept_of: document id of a dropped copy to the document that was kept for it.
    """
    documents: dict[str, set[str]] = defaultdict(set)
    for query_id, doc_id in zip(grades["query_id"], grades["doc_id"], strict=True):
        documents[query_id].add(kept_of.get(doc_id, doc_id))

    return {query_id: frozenset(doc_ids) for query_id, doc_ids in documents.items()}


def judged_shares(
    hits_of_system: Mapping[str, Hits],
    corpus: Corpus,
    query_ids: Sequence[str],
    *,
    graded: Mapping[str, frozenset[str]],
) -> dict[str, float]:
    """Return `<system>.judged_at_10`: the share of the first ten hits that have a grade.

    It is `Judged@10` of ir-measures, the mean over the queries that have grades; {} without any.

    Args:
        hits_of_system: system name to its hits, in the order of `query_ids`.
        corpus: the documents that were searched.
        query_ids: the queries.
        graded: query id to the documents that have a grade.
    """
    rows = [row for row, query_id in enumerate(query_ids) if graded.get(query_id)]
    if not rows:
        return {}

    shares: dict[str, float] = {}
    for system, hits in hits_of_system.items():
        shares_of_queries = []
        for row in rows:
            first = corpus.doc_ids[hits.positions[row, :DEPTH_OF_JUDGED]].tolist()
            judged_count = len(graded[query_ids[row]].intersection(first))
            shares_of_queries.append(judged_count / max(1, len(first)))

        shares[f"{system}.judged_at_10"] = float(np.mean(shares_of_queries))

    return shares
