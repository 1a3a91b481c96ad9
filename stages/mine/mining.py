"""Mining: retrieve candidates, filter them, select negatives, and make a row for each pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.lib.retrieval.bm25 import BM25Index
from stages.lib.retrieval.search import Hits, Integers, Vectors
from stages.lib.schemas.ledger import LedgerWriter
from stages.lib.text.normal_form import normal_form
from stages.mine.candidates import (
    DENSE,
    Candidates,
    index_recall,
    is_labelled,
    merge_candidates,
    miner_names,
    names_of_bits,
    retrieve_candidates,
)
from stages.mine.corpus import MiningCorpus
from stages.mine.cross_encoder import CrossEncoder, CrossEncoderFilter
from stages.mine.filters import (
    CERTAIN_FILTERS,
    FILTERS,
    PASSED,
    ExclusionIndex,
    FilterMasks,
    Mask,
    active_filters,
    apply_filters,
    build_exclusions,
    first_failed_filter,
    passes_all,
)
from stages.mine.interface import MineParams
from stages.mine.margin_sweep import MarginSweep
from stages.mine.relations import KnownRelations
from stages.mine.selection import Selection, accept_all, capacity, select_negatives

# Anchors at a time. It bounds memory and changes no result.
BATCH_SIZE = 256


class Positives(NamedTuple):
    """The positives of each anchor.

    Attributes:
        passages: the passage of its document that a pair is trained on, or -1 for another text.
        scores: the cosine of the anchor to the text that it is trained on, of shape (anchors,).
        texts: for each anchor the text that it is trained on, then a passage of each other
            positive.
        weakest: the lowest cosine of the anchor to a positive, of shape (anchors,).
    """

    passages: Integers
    scores: npt.NDArray[np.float64]
    texts: list[list[str]]
    weakest: npt.NDArray[np.float64]


class MiningResult(NamedTuple):
    """A row per pair, the ledger, and counts.

    Attributes:
        rows: the triplets, without the columns of batch conflicts.
        ledger: notes on chosen passages and anchors with too few negatives.
        excluded: filter name to the number of candidates that it was the first to exclude.
        near_positives: candidates that `near_positive` alone excludes, or would exclude.
        negatives_if_kept: the number of negatives if these become negatives.
        negatives_if_excluded: the number of negatives if they do not.
        margin_sweep: the plot of other margins.
        index_recall: recall of an approximate search; None for an exact one.
    """

    rows: pd.DataFrame
    ledger: LedgerWriter
    excluded: dict[str, int]
    near_positives: int
    negatives_if_kept: int
    negatives_if_excluded: int
    margin_sweep: pd.DataFrame
    index_recall: float | None


@dataclass(frozen=True)
class Miner:
    """All that batches have in common, for all anchors together.

    Attributes:
        pairs: the training pairs.
        anchor_vectors: vectors of their anchors, of shape (anchors, dimension).
        corpus: the corpus.
        params: the section `mine`.
        seed: the seed of a random sample.
        positives: the positives of each anchor.
        thresholds: the highest cosine of a negative, of shape (anchors,).
        exclusions: what is known to be no negative.
        hits: miner name to its hits.
        cross_encoder: the cross-encoder as a filter, or None.
    """

    pairs: pd.DataFrame
    anchor_vectors: Vectors
    corpus: MiningCorpus
    params: MineParams
    seed: int
    positives: Positives
    thresholds: npt.NDArray[np.float64]
    exclusions: ExclusionIndex
    hits: Mapping[str, Hits]
    cross_encoder: CrossEncoderFilter | None


@dataclass(frozen=True)
class Batch:
    """The anchors from `start` to `end`: retrieve, then filter, then select, then rows."""

    miner: Miner
    start: int
    end: int

    def retrieve(self) -> Candidates:
        """Return the candidates of all miners, merged."""
        return merge_candidates(
            self.miner.hits,
            self.start,
            self.end,
            anchor_vectors=self.miner.anchor_vectors,
            corpus=self.miner.corpus,
        )

    def filter(self, candidates: Candidates) -> FilterMasks:
        """Return the candidates that each filter excludes."""
        miner = self.miner
        return apply_filters(candidates, miner.exclusions, miner.thresholds, miner.params)

    def select(self, candidates: Candidates, masks: FilterMasks) -> Selection:
        """Return the candidates that become negatives."""
        miner = self.miner
        # The hash of a random sample needs ids, so that it depends on no order.
        pair_ids = miner.pairs["pair_id"].to_numpy()

        def ids_of(number: int) -> tuple[str, str]:
            pair_id = str(pair_ids[candidates.anchors[number]])
            return pair_id, miner.corpus.ids[candidates.documents[number]]

        def accepts(numbers: Integers) -> Mask:
            if miner.cross_encoder is None:
                return accept_all(numbers)

            return miner.cross_encoder.accepts(candidates, numbers)

        return select_negatives(
            candidates,
            first_failed_filter(masks, active_filters(miner.params)),
            ids_of=ids_of,
            params=miner.params,
            seed=miner.seed,
            accepts=accepts,
        )

    def rows(self, candidates: Candidates, chosen: Integers) -> list[dict[str, object]]:
        """Return a triplet for each pair; `chosen` are the numbers of the negatives, ascending."""
        # The negatives of anchor i are chosen[bounds[i] : bounds[i + 1]], counted from `start`.
        anchor_numbers = np.arange(self.start, self.end + 1)
        bounds = np.searchsorted(candidates.anchors[chosen], anchor_numbers)
        labelled = is_labelled(candidates, self.miner.params)

        rows: list[dict[str, object]] = []
        pairs = self.miner.pairs.iloc[self.start : self.end]
        for index, pair in enumerate(pairs.itertuples(index=False)):
            anchor = self.start + index
            numbers = chosen[bounds[index] : bounds[index + 1]]
            rows.append(
                {
                    "pair_id": pair.pair_id,
                    "anchor": pair.anchor,
                    "doc_id": pair.doc_id,
                    "positive": self.miner.positives.texts[anchor][0],
                    "positive_score": self.miner.positives.scores[anchor],
                    **self._negatives(anchor, candidates, numbers, labelled),
                }
            )

        return rows

    def _negatives(
        self, anchor: int, candidates: Candidates, numbers: Integers, labelled: Mask
    ) -> dict[str, object]:
        """Return the negative columns of one row."""
        miner = self.miner
        documents = candidates.documents[numbers].tolist()
        cosines = candidates.cosines[numbers].astype(np.float64).round(6)

        # Labelled negatives passed only the certain filters.
        all_filters = "+".join(active_filters(miner.params))
        certain_filters = "+".join(CERTAIN_FILTERS)
        names = miner_names(miner.params)
        return {
            "negative_ids": [miner.corpus.ids[document] for document in documents],
            "negatives": [
                miner.corpus.closest(document, miner.anchor_vectors[anchor])
                for document in documents
            ],
            "negative_scores": cosines.tolist(),
            "negative_cross_scores": [
                miner.cross_encoder.scores[anchor, document]
                if miner.cross_encoder
                else float("nan")
                for document in documents
            ],
            "negative_miners": [
                names_of_bits(names, bits) for bits in candidates.miners[numbers].tolist()
            ],
            "negative_ranks": candidates.ranks[numbers].tolist(),
            "negative_rules": [
                certain_filters if is_certain else all_filters
                for is_certain in labelled[numbers].tolist()
            ],
        }


class MiningStats:
    """Counts over all batches."""

    def __init__(self, params: MineParams, has_hierarchy: bool) -> None:
        """Start with counts of 0.

        Args:
            params: the section `mine`.
            has_hierarchy: whether relatives are counted.
        """
        self._params = params
        self._excluded = np.zeros(len(FILTERS), dtype=np.int64)
        self.sweep = MarginSweep(params, has_hierarchy)
        self.near_positives = 0
        self.negatives_if_kept = 0
        self.negatives_if_excluded = 0

    @property
    def excluded(self) -> dict[str, int]:
        """Filter name to the number of candidates that it was the first to exclude."""
        return dict(zip(FILTERS, self._excluded.tolist(), strict=True))

    def add(
        self, batch: Batch, candidates: Candidates, masks: FilterMasks, selection: Selection
    ) -> None:
        """Count the candidates of one batch."""
        # Each candidate counts for the first filter that excludes it.
        failed = selection.failed[selection.failed != PASSED]
        self._excluded += np.bincount(failed, minlength=len(FILTERS))
        weakest = batch.miner.positives.weakest
        self.sweep.add(batch.end - batch.start, candidates, masks, weakest)

        # What the filter near_positive does, or would do.
        others = [name for name in active_filters(self._params) if name != "near_positive"]
        passed = passes_all(masks, others)
        passed_and_not_near = passed & ~masks["near_positive"]
        self.near_positives += int((passed & masks["near_positive"]).sum())
        self.negatives_if_kept += self._capacity(candidates, passed)
        self.negatives_if_excluded += self._capacity(candidates, passed_and_not_near)

    def _capacity(self, candidates: Candidates, mask: Mask) -> int:
        return int(capacity(candidates.anchors[mask], self._params).sum())


def mine(
    pairs: pd.DataFrame,
    anchor_vectors: Vectors,
    corpus: MiningCorpus,
    relations: KnownRelations,
    *,
    params: MineParams,
    seed: int,
    cross_encoder: CrossEncoder | None = None,
) -> MiningResult:
    """Return the training pairs with hard negatives from the corpus.

    The positive is the passage of the document that BM25 ranks best for the anchor; a negative
    is the passage that is closest to it. An anchor with too few negatives stays, and the ledger
    notes it.

    Args:
        pairs: the training Pairs.
        anchor_vectors: vectors of their anchors, of shape (pairs, dimension).
        corpus: documents that may become negatives, and the positives.
        relations: what is known of anchors and documents.
        params: the section `mine`.
        seed: the seed of an approximate search and of a random sample.
        cross_encoder: a model that excludes candidates, or None.
    """
    miner = _prepare(
        pairs,
        anchor_vectors,
        corpus,
        relations,
        params=params,
        seed=seed,
        cross_encoder=cross_encoder,
    )

    # A batch at a time, which bounds memory and changes no result.
    stats = MiningStats(params, has_hierarchy=bool(relations.relatives))
    rows: list[dict[str, object]] = []
    for start in range(0, len(pairs), BATCH_SIZE):
        batch = Batch(miner, start, min(start + BATCH_SIZE, len(pairs)))
        candidates = batch.retrieve()
        masks = batch.filter(candidates)
        selection = batch.select(candidates, masks)
        stats.add(batch, candidates, masks, selection)
        rows += batch.rows(candidates, selection.chosen)

    frame = pd.DataFrame(rows)
    return MiningResult(
        rows=frame,
        ledger=mining_ledger(frame, miner),
        excluded=stats.excluded,
        near_positives=stats.near_positives,
        negatives_if_kept=stats.negatives_if_kept,
        negatives_if_excluded=stats.negatives_if_excluded,
        margin_sweep=stats.sweep.frame(),
        index_recall=_recall(miner),
    )


def find_positives(
    pairs: pd.DataFrame,
    forms: Sequence[str],
    anchor_vectors: Vectors,
    *,
    corpus: MiningCorpus,
    relations: KnownRelations,
) -> Positives:
    """Return the positives of each pair.

    Args:
        pairs: the training Pairs.
        forms: normal forms of their anchors.
        anchor_vectors: vectors of their anchors, of shape (pairs, dimension).
        corpus: the corpus, which has all positives.
        relations: known positives, and the texts that pairs are trained on.
    """
    best_passages: list[int] = []
    scores: list[float] = []
    texts: list[list[str]] = []
    weakest: list[float] = []
    columns = (pairs["pair_id"], pairs["anchor"], pairs["doc_id"], forms)
    for index, (pair_id, anchor, doc_id, form) in enumerate(zip(*columns, strict=True)):
        anchor_vector = anchor_vectors[index]

        # The text that is trained on: one that the pair brings, else a passage of its document.
        own_document = corpus.position_of[doc_id]
        passage = -1
        text = relations.labels.text_of_pair.get(pair_id)
        if text is not None:
            text_vector = relations.text_vectors[text]
        else:
            passages = corpus.passages(own_document)
            passage = best_passage(anchor, corpus.texts[passages])
            text = corpus.texts[passages.start + passage]
            text_vector = corpus.vectors[passages.start + passage]

        score = round(float(text_vector @ anchor_vector), 6)

        # Negatives must score below every positive, and below the passage that is trained on.
        documents = sorted(corpus.position_of[other] for other in relations.positives[form])
        cosines = [corpus.cosine(document, anchor_vector) for document in documents]
        other_texts = [
            corpus.closest(document, anchor_vector)
            for document in documents
            if document != own_document
        ]

        best_passages.append(passage)
        scores.append(score)
        texts.append([text, *other_texts])
        weakest.append(min(score, *cosines))

    return Positives(
        np.array(best_passages, dtype=np.int64), np.array(scores), texts, np.array(weakest)
    )


def best_passage(anchor: str, texts: Sequence[str]) -> int:
    """Return the index of the passage that BM25 ranks best for `anchor`; the first of equals.

    >>> best_passage("fever", ["Rash.", "Fever.", "Fever."])
    1
    """
    return int(BM25Index(texts).scores(anchor).argmax()) if len(texts) > 1 else 0


def mining_ledger(rows: pd.DataFrame, miner: Miner) -> LedgerWriter:
    """Return a ledger of anchors with too few negatives, and of chosen passages."""
    ledger = LedgerWriter()
    for pair_id, doc_id, negative_ids, passage in zip(
        rows["pair_id"],
        rows["doc_id"],
        rows["negative_ids"],
        miner.positives.passages.tolist(),
        strict=True,
    ):
        if len(negative_ids) < miner.params.negatives:
            ledger.note(pair_id, "too_few_negatives", score=float(len(negative_ids)))

        # There is a choice only in a document of several passages.
        passages = miner.corpus.passages(miner.corpus.position_of[doc_id])
        if passage >= 0 and passages.stop - passages.start > 1:
            passage_id = f"{doc_id}-{passage:04d}"
            ledger.note(pair_id, "best_passage", partner_id=passage_id, score=float(passage))

    return ledger


def _recall(miner: Miner) -> float | None:
    """Return the recall of an approximate search; None for an exact one."""
    if miner.params.index == "exact" or DENSE not in miner.hits:
        return None
    return index_recall(miner.hits[DENSE], miner.anchor_vectors, miner.corpus)


def _prepare(
    pairs: pd.DataFrame,
    anchor_vectors: Vectors,
    corpus: MiningCorpus,
    relations: KnownRelations,
    *,
    params: MineParams,
    seed: int,
    cross_encoder: CrossEncoder | None,
) -> Miner:
    """Return what all batches need: positives, thresholds, exclusions, and hits of the miners."""
    anchor_texts = list(pairs["anchor"])
    forms = [normal_form(text) for text in anchor_texts]
    positives = find_positives(pairs, forms, anchor_vectors, corpus=corpus, relations=relations)
    # A cross-encoder is slow, so it comes after all other filters.
    further_filter = None
    if cross_encoder:
        further_filter = CrossEncoderFilter(
            cross_encoder,
            anchor_texts,
            positives.texts,
            anchor_vectors=anchor_vectors,
            corpus=corpus,
            params=params,
        )

    return Miner(
        pairs=pairs,
        anchor_vectors=anchor_vectors,
        corpus=corpus,
        params=params,
        seed=seed,
        positives=positives,
        thresholds=np.array([params.threshold(score) for score in positives.weakest.tolist()]),
        exclusions=build_exclusions(forms, list(pairs["pair_id"]), corpus, relations),
        hits=retrieve_candidates(
            anchor_texts,
            anchor_vectors,
            corpus,
            params=params,
            seed=seed,
            dissimilar=relations.labels.dissimilar,
        ),
        cross_encoder=further_filter,
    )
