"""Does a paraphrase still say what its parent says? One check for each reason to reject it.

The checks are for texts that a model wrote. Variants by word lists or typing errors cannot change
a number or a side, and should look strange to the base model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from stages.augment import critical_words
from stages.augment.content_words import (
    WordChanges,
    WordContexts,
    is_same_word,
    is_truncated,
    min_word_cosine,
    word_changes,
)
from stages.augment.interface import AugmentParams
from stages.augment.numerals import are_numbers_kept
from stages.augment.synonyms import are_synonyms
from stages.lib.core.params import ModelParams
from stages.lib.preprocessing.language import detect_language
from stages.lib.retrieval.corpus import Corpus
from stages.lib.retrieval.encoder import Encoder
from stages.lib.retrieval.search import Vectors, document_ranks
from stages.lib.text.normal_form import normal_form, words

# In the order of the checks. The ledger holds the first reason that applies.
REASONS = (
    "copied",
    "truncated",
    "number",
    "unit",
    "side",
    "negation",
    "strength",
    "name",
    "word",
    "language",
    "chrf",
    "cosine",
    "rank",
)


class Paraphrase(NamedTuple):
    """A text, the anchor that it paraphrases, and the document that both should find."""

    parent: str
    text: str
    doc_id: str


class ParaphraseScores(NamedTuple):
    """The figures of a paraphrase that the limits of params.yaml are compared with.

    Attributes:
        wording_reasons: reasons to reject it that follow from its words alone.
        word_cosine: the cosine of the lost or gained word with the worst synonym; 1 if no word
            was changed.
        chrf: chrF of the text against its parent, 0 to 1.
        cosine: the cosine of the two embeddings.
        rank_loss: by how many ranks the document falls, searched with the text instead of its
            parent.
    """

    wording_reasons: tuple[str, ...]
    word_cosine: float
    chrf: float
    cosine: float
    rank_loss: int


class ParaphraseScorer:
    """Scores paraphrases with a model, the documents to be found, and the contexts of words."""

    def __init__(
        self,
        model: ModelParams,
        encoder: Encoder,
        corpus: Corpus,
        *,
        contexts: WordContexts,
    ) -> None:
        self._model = model
        self._encoder = encoder
        self._corpus = corpus
        self._contexts = contexts
        doc_ids = corpus.doc_ids.tolist()
        self._position_of_document = {doc_id: index for index, doc_id in enumerate(doc_ids)}

    def score(self, paraphrases: Sequence[Paraphrase]) -> list[ParaphraseScores]:
        """Return the scores of each of `paraphrases`. Their documents must be in the corpus."""
        if not paraphrases:
            return []

        parents = [paraphrase.parent for paraphrase in paraphrases]
        texts = [paraphrase.text for paraphrase in paraphrases]
        changes = [
            word_changes(parent, text, self._contexts.vocabulary)
            for parent, text in zip(parents, texts, strict=True)
        ]

        # Each measure is one list, in the order of the paraphrases. The vectors have the shape
        # (paraphrases, d).
        parent_vectors = self._encode_anchors(parents)
        text_vectors = self._encode_anchors(texts)
        columns = zip(
            map(wording_reasons, parents, texts, changes),
            self._word_cosines(changes),
            chrf_scores(parents, texts),
            _row_cosines(parent_vectors, text_vectors),
            self._rank_losses(paraphrases, parent_vectors, text_vectors),
            strict=True,
        )

        return [ParaphraseScores._make(values) for values in columns]

    def _encode_anchors(self, texts: Sequence[str]) -> Vectors:
        return self._encoder.encode(texts, self._model.anchor_prompt, "variants")

    def _rank_losses(
        self,
        paraphrases: Sequence[Paraphrase],
        parent_vectors: Vectors,
        text_vectors: Vectors,
    ) -> list[int]:
        passage_vectors = self._encoder.encode(
            self._corpus.texts, self._model.document_prompt, "documents"
        )
        positions = [self._position_of_document[paraphrase.doc_id] for paraphrase in paraphrases]

        # The rank of each document with either text as the query.
        starts = self._corpus.passage_starts
        parent_ranks = document_ranks(
            parent_vectors, passage_vectors, positions, passage_starts=starts
        )
        text_ranks = document_ranks(text_vectors, passage_vectors, positions, passage_starts=starts)
        losses = text_ranks - parent_ranks

        return [int(loss) for loss in losses]

    def _word_cosines(self, changes: Sequence[WordChanges]) -> list[float]:
        word_pairs: set[tuple[str, str]] = set()
        for change in changes:
            word_pairs |= change.word_pairs()

        # By the base model, except for words that known anchors or the thesaurus relate.
        cosines = self._encoded_cosines(sorted(word_pairs))

        for word, other in word_pairs:
            known_cosine = self._contexts.cosine(word, other)
            if known_cosine is not None:
                cosines[word, other] = known_cosine
            elif not self._contexts.are_both_used(word, other) and are_synonyms(word, other):
                cosines[word, other] = 1.0

        return [min_word_cosine(change, cosines) for change in changes]

    def _encoded_cosines(
        self, word_pairs: Sequence[tuple[str, str]]
    ) -> dict[tuple[str, str], float]:
        if not word_pairs:
            return {}

        first_vectors = self._encoder.encode([first for first, _ in word_pairs], label="words")
        second_vectors = self._encoder.encode([second for _, second in word_pairs], label="words")

        return dict(
            zip(
                word_pairs,
                _row_cosines(first_vectors, second_vectors),
                strict=True,
            )
        )


def rejection_reasons(scores: ParaphraseScores, params: AugmentParams) -> dict[str, float]:
    """Return every reason to reject a paraphrase, in the order of `REASONS`, with its score.

    Reasons that follow from the words alone have the score NaN.
    """
    score_of_reason = {reason: float("nan") for reason in scores.wording_reasons}
    if scores.word_cosine < params.min_word_cosine:
        score_of_reason["word"] = scores.word_cosine

    # Too far from the parent, or so close that it is a copy. Known synonyms share few letters.
    if scores.chrf < params.min_chrf and scores.word_cosine < 1.0:
        score_of_reason["chrf"] = scores.chrf
    elif scores.chrf > params.max_chrf:
        score_of_reason.setdefault("copied", scores.chrf)

    if scores.cosine < params.min_cosine:
        score_of_reason["cosine"] = scores.cosine
    elif scores.cosine > params.max_cosine:
        score_of_reason.setdefault("copied", scores.cosine)

    if scores.rank_loss > params.max_rank_loss:
        score_of_reason["rank"] = float(scores.rank_loss)

    return {reason: score_of_reason[reason] for reason in REASONS if reason in score_of_reason}


def wording_reasons(parent: str, text: str, changes: WordChanges) -> tuple[str, ...]:
    """Return the reasons to reject `text` that follow from its words alone.

    Args:
        parent: the anchor that was paraphrased.
        text: the paraphrase.
        changes: the content words that it lost and gained.
    """
    are_codes_kept = critical_words.codes(text) == critical_words.codes(parent)

    # The language of a short text is often unclear. It is "" then, and passes.
    languages = {detect_language(parent), detect_language(text)} - {""}

    # True for each check that the text passes.
    is_passed = {
        "copied": normal_form(text) != normal_form(parent),
        "truncated": not is_truncated(parent, text, changes),
        "number": are_numbers_kept(text, parent),
        "unit": critical_words.units(text) == critical_words.units(parent),
        "side": critical_words.are_opposites_kept(text, parent),
        "negation": critical_words.are_negations_kept(text, parent),
        "strength": critical_words.are_strengths_kept(text, parent),
        "name": are_codes_kept and _are_names_kept(parent, text),
        "language": len(languages) < 2,
    }

    return tuple(reason for reason, passed in is_passed.items() if not passed)


def chrf_scores(parents: Sequence[str], texts: Sequence[str]) -> list[float]:
    """Return chrF of each text against its parent, 0 to 1, without regard to case.

    Source: Popović 2015, in the default variant of sacrebleu.
    """
    from sacrebleu.metrics.chrf import CHRF

    # Case says nothing about meaning.
    metric = CHRF()
    scores: list[float] = []
    for parent, text in zip(parents, texts, strict=True):
        percent = metric.sentence_score(text.casefold(), [parent.casefold()]).score
        scores.append(round(percent / 100, 6))

    return scores


def _row_cosines(first: Vectors, second: Vectors) -> list[float]:
    """Return the cosine of each row of two arrays of unit vectors, both of shape (n, d)."""
    products = (first * second).sum(axis=1)
    return [float(cosine) for cosine in np.round(products, 6).tolist()]


def _are_names_kept(parent: str, text: str) -> bool:
    """Return whether each capitalised word of the parent stands in the text, in any form."""
    text_words = words(text)
    for name in sorted(critical_words.names(parent)):
        if not any(is_same_word(name, word, ()) for word in text_words):
            return False

    return True
