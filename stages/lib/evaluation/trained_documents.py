"""What a split is worth: how many held-out queries ask for a document that was trained on.

With the unit `component` none does. With `anchor` or `time` splits share documents, and a query
that asks for a trained document measures how well the model knows it, not how well it reads a new
one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import chain

import numpy as np
import numpy.typing as npt

from stages.lib.evaluation.evaluation_set import EvaluationSet
from stages.lib.retrieval.corpus import Corpus
from stages.lib.text.normal_form import normal_form


def asks_for_trained(
    evaluation_set: EvaluationSet, corpus: Corpus, trained_ids: Iterable[str]
) -> npt.NDArray[np.bool_]:
    """Return a mask of the queries of which a relevant document was trained on, shape (queries,).

    A copy of a trained document counts too: one whose passages have the same normal forms.

    Args:
        evaluation_set: the queries. Its qrels name kept documents for dropped copies.
        corpus: the documents.
        trained_ids: the documents of the training rows, kept ones for dropped copies.
    """
    trained = frozenset(trained_ids)
    relevant_of_query: list[list[str]] = []
    for query_id in evaluation_set.queries["query_id"]:
        grades = evaluation_set.qrels[query_id]
        relevant_of_query.append([doc_id for doc_id, grade in grades.items() if grade > 0])

    # Relevant documents that say what a trained one says.
    relevant = frozenset(chain.from_iterable(relevant_of_query))
    known = trained | _copies(relevant - trained, trained, corpus)
    return np.array([not known.isdisjoint(doc_ids) for doc_ids in relevant_of_query], dtype=bool)


def kept_ids(doc_ids: Iterable[str], kept_of_dropped: Mapping[str, str]) -> frozenset[str]:
    """Return the kept document of each of `doc_ids`.

    >>> sorted(kept_ids(["d1", "d2"], {"d2": "d3"}))
    ['d1', 'd3']
    """
    return frozenset(kept_of_dropped.get(doc_id, doc_id) for doc_id in doc_ids)


def _copies(doc_ids: Collection[str], others: Collection[str], corpus: Corpus) -> frozenset[str]:
    """Return those of `doc_ids` whose passages have the normal forms of one of `others`."""
    position_of_id = {doc_id: index for index, doc_id in enumerate(corpus.doc_ids.tolist())}

    def form_of(doc_id: str) -> tuple[str, ...]:
        return tuple(normal_form(text) for text in corpus.passages(position_of_id[doc_id]))

    other_forms = {form_of(doc_id) for doc_id in others if doc_id in position_of_id}
    return frozenset(
        doc_id for doc_id in doc_ids if doc_id in position_of_id and form_of(doc_id) in other_forms
    )
