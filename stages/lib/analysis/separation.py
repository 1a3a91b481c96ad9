"""Cosine separation: the distance of positives from negatives, for several kinds of negatives.

Random negatives are easy for every model. They show mispaired rows and collapsed embeddings.
BM25-hard negatives depend on no embedding. Dense-hard negatives are chosen by a model: this
model looks worse on them than it is, and every other model looks better.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stages.lib.analysis.own_texts import OwnTexts
from stages.lib.evaluation.evaluation_set import EvaluationSet, sample_relevant
from stages.lib.retrieval.corpus import Corpus
from stages.lib.retrieval.search import Integers, Vectors, document_scores

NEGATIVES = 5
_FINE_BINS = 100

# A constant, so that the panels depend on the benchmark and the base model alone.
_SEED = 20260101
_Cosines = npt.NDArray[np.float64]


class Panel(NamedTuple):
    """Cosines of queries with their relevant documents, and with negatives of one kind.

    `positives` and `negatives` are one-dimensional and differ in length. `positive_query` and
    `negative_query` have the number of the query of each, or are None if it is not known.
    """

    positives: npt.NDArray[np.float64]
    negatives: npt.NDArray[np.float64]
    positive_query: npt.NDArray[np.int64] | None = None
    negative_query: npt.NDArray[np.int64] | None = None


class _Scores:
    """Cosines that are collected query by query, with the number of the query of each."""

    def __init__(self) -> None:
        self.cosines: list[float] = []
        self.query_numbers: list[int] = []

    def add(self, query_number: int, cosines: Vectors) -> None:
        self.cosines.extend(cosines.tolist())
        self.query_numbers.extend([query_number] * len(cosines))


def random_negatives(queries: int, documents: int) -> Integers:
    """Return random document positions for the panel "random".

    The shape is (queries, NEGATIVES + 10): some of the documents may be relevant.

    >>> random_negatives(queries=2, documents=100).shape
    (2, 15)
    """
    random = np.random.default_rng(_SEED)
    return random.integers(0, documents, size=(queries, NEGATIVES + 10))


def separation_panels(
    queries: Vectors,
    passages: Vectors,
    corpus: Corpus,
    held: EvaluationSet,
    proposed: Mapping[str, Integers],
) -> dict[str, Panel]:
    """Return a panel for each kind of negatives in `proposed`.

    A panel compares the relevant documents of a query (a sample of MAX_RELEVANT where there are
    more) with NEGATIVES documents that are not relevant. A document that holds the text of the
    query itself is no negative either. `proposed` has positions of documents for each kind, of
    shape (queries, any number), the hardest first.

    The result is empty if no document is relevant, or a kind has relevant documents alone.
    """
    position_of_id = {doc_id: index for index, doc_id in enumerate(corpus.doc_ids.tolist())}
    own_texts = OwnTexts(corpus)
    positives = _Scores()
    negatives_by_kind = {kind: _Scores() for kind in proposed}

    columns = (held.queries["query_id"], held.queries["text"])
    for row, (query_id, text) in enumerate(zip(*columns, strict=True)):
        # Score the relevant documents that the corpus has.
        query = queries[row]
        relevant_ids = [doc_id for doc_id in held.qrels[query_id] if doc_id in position_of_id]
        sampled_ids = sample_relevant(query_id, relevant_ids)
        sampled = sorted(position_of_id[doc_id] for doc_id in sampled_ids)
        scores = document_scores(query, passages, sampled, corpus.passage_starts)
        positives.add(row, scores)

        # Score the hardest documents of each kind that are not relevant, by any split.
        relevant = {position_of_id[doc_id] for doc_id in relevant_ids}
        masked_ids = held.masked.get(query_id, frozenset())
        relevant |= {position_of_id[doc_id] for doc_id in masked_ids if doc_id in position_of_id}
        for kind, positions in proposed.items():
            irrelevant = (place for place in positions[row].tolist() if place not in relevant)
            hardest = list(islice(own_texts.without(text, irrelevant), NEGATIVES))
            scores = document_scores(query, passages, hardest, corpus.passage_starts)
            negatives_by_kind[kind].add(row, scores)

    # Without cosines on either side there is nothing to compare.
    if not positives.cosines:
        return {}
    if not all(negatives.cosines for negatives in negatives_by_kind.values()):
        return {}
    return {kind: _panel(positives, negatives) for kind, negatives in negatives_by_kind.items()}


def _panel(positives: _Scores, negatives: _Scores) -> Panel:
    return Panel(
        positives=np.array(positives.cosines),
        negatives=np.array(negatives.cosines),
        positive_query=np.array(positives.query_numbers),
        negative_query=np.array(negatives.query_numbers),
    )


def panel_metrics(panel: Panel) -> dict[str, float]:
    """Return all measures of a panel, by name.

    `query_auc` and `violation_rate` need the queries of the cosines and are left out without them.

    >>> panel_metrics(Panel(np.array([0.75, 0.5]), np.array([0.25, 0.0])))["gap"]
    0.5
    """
    measures = {
        "gap": mean_gap(panel),
        "standardised_gap": standardised_gap(panel),
        "roc_auc": roc_auc(panel),
        "overlap": histogram_overlap(panel),
    }

    # The measures per query.
    if panel.negative_query is not None:
        measures["query_auc"] = query_auc(panel)
        measures["violations"] = violation_rate(panel)
    return measures


def mean_gap(panel: Panel) -> float:
    """Return the mean positive minus the mean negative cosine.

    >>> mean_gap(Panel(np.array([0.75, 0.5]), np.array([0.25, 0.0])))
    0.5
    """
    return float(panel.positives.mean() - panel.negatives.mean())


def roc_auc(panel: Panel) -> float:
    """Return the probability that a positive scores above a negative.

    Ties count half (Mann and Whitney 1947).

    >>> roc_auc(Panel(np.array([0.9, 0.5]), np.array([0.5, 0.1])))
    0.875
    """
    ordered = np.sort(panel.negatives)

    # For each positive: the negatives below it, and those below or equal.
    below = np.searchsorted(ordered, panel.positives, side="left")
    below_or_equal = np.searchsorted(ordered, panel.positives, side="right")

    comparisons = len(panel.positives) * len(panel.negatives)
    return float((below + below_or_equal).sum() / 2 / comparisons)


def standardised_gap(panel: Panel) -> float:
    """Return the gap in pooled standard deviations (d'); 0 if nothing varies.

    It can be compared across models, since each scales its cosines in its own way.

    >>> round(standardised_gap(Panel(np.array([0.6, 0.8]), np.array([0.1, 0.3]))), 3)
    5.0
    """
    pooled_variance = (panel.positives.var() + panel.negatives.var()) / 2
    deviation = float(np.sqrt(pooled_variance))
    return mean_gap(panel) / deviation if deviation > 0 else 0.0


def histogram_overlap(panel: Panel) -> float:
    """Return the common share of the two histograms: 0 if they are apart, 1 if they are equal.

    >>> histogram_overlap(Panel(np.array([0.9, 0.5]), np.array([0.5, 0.1])))
    0.5
    """
    positive_shares = _histogram_shares(panel.positives)
    negative_shares = _histogram_shares(panel.negatives)
    return float(np.minimum(positive_shares, negative_shares).sum())


def _histogram_shares(cosines: _Cosines) -> _Cosines:
    edges = np.linspace(-1.0, 1.0, _FINE_BINS + 1)
    # Rounding may leave a cosine a little outside of -1 to 1.
    counts, _ = np.histogram(np.clip(cosines, -1.0, 1.0), edges)
    return np.asarray(counts / len(cosines))


def query_auc(panel: Panel) -> float:
    """Return the mean over queries of the ROC AUC of each query alone.

    Differences between queries do not change it.

    >>> positives = np.array([0.9, 0.3])
    >>> negatives = np.array([0.5, 0.1])
    >>> query_auc(Panel(positives, negatives, np.array([0, 1]), np.array([0, 1])))
    1.0
    """
    areas = [roc_auc(query_panel) for query_panel in _by_query(panel)]
    return float(np.mean(areas))


def violation_rate(panel: Panel) -> float:
    """Return the share of queries whose hardest negative reaches their best positive.

    >>> positives = np.array([0.9, 0.3])
    >>> negatives = np.array([0.5, 0.3])
    >>> violation_rate(Panel(positives, negatives, np.array([0, 1]), np.array([0, 1])))
    0.5
    """
    is_violated = [
        query_panel.negatives.max() >= query_panel.positives.max()
        for query_panel in _by_query(panel)
    ]
    return float(np.mean(is_violated))


def _by_query(panel: Panel) -> Iterator[Panel]:
    """Yield a panel for each query that has both positives and negatives."""
    assert panel.positive_query is not None
    assert panel.negative_query is not None

    # The cosines of each query as one slice of the sorted ones.
    positives, positive_slice_of = _sorted_by_query(panel.positives, panel.positive_query)
    negatives, negative_slice_of = _sorted_by_query(panel.negatives, panel.negative_query)
    for number, positive_slice in positive_slice_of.items():
        if number in negative_slice_of:
            yield Panel(positives[positive_slice], negatives[negative_slice_of[number]])


def _sorted_by_query(
    cosines: _Cosines, query_numbers: npt.NDArray[np.int64]
) -> tuple[_Cosines, dict[int, slice]]:
    """Return the cosines in ascending order of their queries, and the slice of each query."""
    order = np.argsort(query_numbers, kind="stable")
    numbers, starts = np.unique(query_numbers[order], return_index=True)
    ends = np.append(starts[1:], len(order))
    slices = [slice(start, end) for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
    return cosines[order], dict(zip(numbers.tolist(), slices, strict=True))
