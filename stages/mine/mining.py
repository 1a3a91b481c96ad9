"""Mining: retrieve candidates, filter them, select negatives, and make a row for each pair."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from stages.lib.core.device import CPU, Device
from stages.lib.retrieval.bm25 import BM25Index
from stages.lib.retrieval.search import Vectors
from stages.lib.schemas.ledger import LedgerWriter
from stages.lib.schemas.training import LABELLED
from stages.lib.text.normal_form import normal_form
from stages.lib.text.strict_form import strict_form
from stages.mine.batch import BATCH_SIZE, Batch, Miner, MiningStats, Positives
from stages.mine.candidates import (
    DENSE,
    index_recall,
    retrieve_candidates,
)
from stages.mine.corpus import MiningCorpus
from stages.mine.cross_encoder import CrossEncoder, CrossEncoderFilter
from stages.mine.filters import (
    build_exclusions,
)
from stages.mine.interface import MineParams
from stages.mine.labelled import labelled_hits
from stages.mine.relations import KnownRelations


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


def mine(
    pairs: pd.DataFrame,
    anchor_vectors: Vectors,
    corpus: MiningCorpus,
    relations: KnownRelations,
    *,
    params: MineParams,
    seed: int,
    cross_encoder: CrossEncoder | None = None,
    device: Device = CPU,
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
        device: where the dense search computes.
    """
    miner = _prepare(
        pairs,
        anchor_vectors,
        corpus,
        relations,
        params=params,
        seed=seed,
        cross_encoder=cross_encoder,
        device=device,
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
        index_recall=_recall(miner, device),
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


def _recall(miner: Miner, device: Device) -> float | None:
    """Return the recall of an approximate search; None for an exact one."""
    if miner.params.index == "exact" or DENSE not in miner.hits:
        return None
    return index_recall(
        miner.hits[DENSE], miner.anchor_vectors, miner.corpus, seed=miner.seed, device=device
    )


def _prepare(
    pairs: pd.DataFrame,
    anchor_vectors: Vectors,
    corpus: MiningCorpus,
    relations: KnownRelations,
    *,
    params: MineParams,
    seed: int,
    cross_encoder: CrossEncoder | None,
    device: Device,
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

    # What searches propose, and what people labelled.
    exclusions = build_exclusions(forms, list(pairs["pair_id"]), corpus, relations)
    hits = retrieve_candidates(
        anchor_texts, anchor_vectors, corpus, params=params, seed=seed, device=device
    )
    hits[LABELLED] = labelled_hits(
        [strict_form(text) for text in anchor_texts],
        anchor_vectors,
        corpus,
        dissimilar=relations.labels.dissimilar,
        exclusions=exclusions,
    )

    return Miner(
        pairs=pairs,
        anchor_vectors=anchor_vectors,
        corpus=corpus,
        params=params,
        seed=seed,
        positives=positives,
        thresholds=np.array([params.threshold(score) for score in positives.weakest.tolist()]),
        exclusions=exclusions,
        hits=hits,
        cross_encoder=further_filter,
    )
