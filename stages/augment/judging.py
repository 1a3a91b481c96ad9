"""Whether a paraphrase still says what its parent says: one check a reason, each of which can refuse it.

The checks are for texts that a model wrote. What word lists swap, or a finger misses, cannot change a number or a side,
and is meant to look strange to the base model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from stages.augment import meaning, wording
from stages.augment.params import AugmentParams
from stages.lib.benchmark import Corpus
from stages.lib.embed import Encoder
from stages.lib.languages import language
from stages.lib.params import Model
from stages.lib.retrieval import ranks
from stages.lib.text import normal_form, words

# In the order in which they are asked; the first that applies is the one told.
REASONS = (
    "copied",
    "truncated",
    "number",
    "unit",
    "side",
    "negation",
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


class Evidence(NamedTuple):
    """What was measured of a paraphrase: reasons that its words alone tell, and the values that limits are set to.

    `word_cosine` is that of the lost or gained word whose best synonym is farthest off; 1 where none was changed.
    """

    told: tuple[str, ...]
    word_cosine: float
    chrf: float
    cosine: float
    rank_loss: int


class Judge:
    """Measures paraphrases: with a model, the documents to be found, and what is known of words."""

    def __init__(
        self, model: Model, encoder: Encoder, corpus: Corpus, knowledge: wording.Knowledge
    ) -> None:
        self._model, self._encoder, self._corpus, self._knowledge = (
            model,
            encoder,
            corpus,
            knowledge,
        )
        self._places = {doc_id: at for at, doc_id in enumerate(corpus.doc_ids.tolist())}

    def measure(self, paraphrases: Sequence[Paraphrase]) -> list[Evidence]:
        """Return the evidence for each of `paraphrases`; their documents must be in the corpus."""
        if not paraphrases:
            return []
        parents, texts = [one.parent for one in paraphrases], [one.text for one in paraphrases]
        changes = [
            wording.changes(*both, self._knowledge.vocabulary)
            for both in zip(parents, texts, strict=True)
        ]
        before, after = (
            self._encoder.encode(side, self._model.anchor_prompt, "variants")
            for side in (parents, texts)
        )
        documents = self._encoder.encode(
            self._corpus.texts, self._model.document_prompt, "documents"
        )
        places = [self._places[one.doc_id] for one in paraphrases]
        losses = [
            int(second - first)
            for first, second in zip(
                *(ranks(side, documents, places, self._corpus.starts) for side in (before, after)),
                strict=True,
            )
        ]
        return [
            Evidence(*found)
            for found in zip(
                (
                    told(one.parent, one.text, change)
                    for one, change in zip(paraphrases, changes, strict=True)
                ),
                self._word_cosines(changes),
                chrf_scores(parents, texts),
                np.round((before * after).sum(axis=1), 6).tolist(),
                losses,
                strict=True,
            )
        ]

    def _word_cosines(self, changes: Sequence[wording.Changes]) -> list[float]:
        asked = sorted(set().union(*(change.asked() for change in changes)))
        cosines: dict[tuple[str, str], float] = {}
        if asked:
            left, right = (
                self._encoder.encode([pair[side] for pair in asked], label="words")
                for side in (0, 1)
            )
            cosines = dict(
                zip(asked, np.round((left * right).sum(axis=1), 6).tolist(), strict=True)
            )
        for pair in asked:
            if (known := self._knowledge.cosine(*pair)) is not None:
                cosines[pair] = known
        return [wording.weakest(change, cosines) for change in changes]


def faults(evidence: Evidence, params: AugmentParams) -> dict[str, float]:
    """Return every reason to refuse a paraphrase, in the order of REASONS, with what was measured (NaN for words)."""
    found = {reason: float("nan") for reason in evidence.told}
    if evidence.word_cosine < params.min_word_cosine:
        found["word"] = evidence.word_cosine
    for reason, value, least, most in (
        ("chrf", evidence.chrf, params.min_chrf, params.max_chrf),
        ("cosine", evidence.cosine, params.min_cosine, params.max_cosine),
    ):
        if value < least:
            found[reason] = value
        elif value > most:
            found.setdefault("copied", value)
    if evidence.rank_loss > params.max_rank_loss:
        found["rank"] = float(evidence.rank_loss)
    return {reason: found[reason] for reason in REASONS if reason in found}


def told(parent: str, text: str, change: wording.Changes) -> tuple[str, ...]:
    """Return the reasons to refuse `text` that its words alone tell; `change` is what it lost and gained."""
    same: dict[str, Callable[[], bool]] = {
        "copied": lambda: normal_form(text) != normal_form(parent),
        "truncated": lambda: not wording.is_truncated(parent, text, change),
        "number": lambda: meaning.numbers(text) == meaning.numbers(parent),
        "unit": lambda: meaning.units(text) == meaning.units(parent),
        "side": lambda: meaning.are_sides_kept(text, parent),
        "negation": lambda: (
            meaning.negations(text) == meaning.negations(parent)
            and not meaning.is_negated(text, parent)
        ),
        "name": lambda: meaning.codes(text) == meaning.codes(parent) and _names_kept(parent, text),
        "language": lambda: len({language(parent), language(text)} - {""}) < 2,
    }
    return tuple(reason for reason, holds in same.items() if not holds())


def chrf_scores(parents: Sequence[str], texts: Sequence[str]) -> list[float]:
    """Return chrF (Popović 2015, in sacrebleu's default variant), 0 to 1, of each text against its parent."""
    from sacrebleu.metrics.chrf import CHRF

    metric = CHRF()
    return [
        round(metric.sentence_score(text.casefold(), [parent.casefold()]).score / 100, 6)
        for parent, text in zip(parents, texts, strict=True)
    ]


def _names_kept(parent: str, text: str) -> bool:
    present = words(text)
    return all(
        any(wording.is_same(name, word, ()) for word in present)
        for name in sorted(meaning.names(parent))
    )
