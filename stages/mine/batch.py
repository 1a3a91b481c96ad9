"""One batch of anchors: retrieve candidates, filter them, select negatives, make rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.lib.retrieval.search import Hits, Integers, Vectors
from stages.mine.candidates import (
    Candidates,
    is_labelled,
    merge_candidates,
    miner_names,
    names_of_bits,
)
from stages.mine.corpus import MiningCorpus
from stages.mine.cross_encoder import CrossEncoderFilter
from stages.mine.filters import (
    CERTAIN_FILTERS,
    FILTERS,
    PASSED,
    ExclusionIndex,
    FilterMasks,
    Mask,
    accepted_by_all,
    active_filters,
    apply_filters,
    first_failed_filter,
)
from stages.mine.interface import MineParams
from stages.mine.margin_sweep import MarginSweep
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
        passed = accepted_by_all(masks, others)
        passed_and_not_near = passed & ~masks["near_positive"]
        self.near_positives += int((passed & masks["near_positive"]).sum())
        self.negatives_if_kept += self._capacity(candidates, passed)
        self.negatives_if_excluded += self._capacity(candidates, passed_and_not_near)

    def _capacity(self, candidates: Candidates, mask: Mask) -> int:
        return int(capacity(candidates.anchors[mask], self._params).sum())
