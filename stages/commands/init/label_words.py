"""Words that say whether a question and a text belong together, and what score each stands for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stages.commands.init.column_names import name_rank, plain_name

# Words that are said of two texts and of nothing else, without case, spaces and signs. Those of
# ESCI (exact to irrelevant) have the gains that its authors use.
_OF_PAIRS: Mapping[str, float] = {
    **dict.fromkeys(("entailment", "entails", "entailed"), 1.0),
    **dict.fromkeys(("notentailment", "neutral", "contradiction", "contradicts"), 0.0),
    **dict.fromkeys(("duplicate", "paraphrase", "equivalent", "similar", "related"), 1.0),
    **dict.fromkeys(("notduplicate", "nonduplicate", "notparaphrase", "nonparaphrase"), 0.0),
    **dict.fromkeys(("notequivalent", "dissimilar", "notsimilar", "unrelated", "notrelated"), 0.0),
    **dict.fromkeys(("relevant", "highlyrelevant", "exact", "match", "matching"), 1.0),
    **dict.fromkeys(("partiallyrelevant", "somewhatrelevant", "partial"), 0.5),
    **dict.fromkeys(("irrelevant", "notrelevant", "nonrelevant", "mismatch", "nomatch"), 0.0),
    "substitute": 0.1,
    "complement": 0.01,
}
# Words that may be said of anything. The name of their column decides.
_OF_ANYTHING: Mapping[str, float] = {
    **dict.fromkeys(("true", "yes", "y", "correct", "right", "ja", "richtig", "oui", "si"), 1.0),
    **dict.fromkeys(("false", "no", "n", "incorrect", "wrong", "nein", "falsch", "non"), 0.0),
    **dict.fromkeys(("positive", "good"), 1.0),
    **dict.fromkeys(("negative", "bad"), 0.0),
}
# Names of columns that say something of a pair, or of a document.
_LABEL_NAMES = ("label", "labels", "goldlabel", "verdict", "judgement", "judgment")
LABEL_NOTE = (
    "column '{column}' is taken for the subject of the texts. If it says whether a question and a "
    "text belong together, map it to 'score', and its words by score_names"
)
# A few rows may have no label, as "-" where the annotators of SNLI disagreed.
_KNOWN_SHARE = 0.95
_MOST_WORDS = 12


def has_label_name(column: str) -> bool:
    """Return whether a column has a name of labels, of whatever they are.

    >>> has_label_name("label"), has_label_name("category")
    (True, False)
    """
    return plain_name(column) in _LABEL_NAMES


def score_names(column: str, values: Sequence[str]) -> dict[str, float]:
    """Return the score of each word of a column of labels; nothing if it holds none.

    >>> score_names("label", ["entailment", "not_entailment", "entailment"])
    {'entailment': 1.0, 'not_entailment': 0.0}
    >>> score_names("status", ["yes", "no"]), score_names("relevant", ["yes", "no"])
    ({}, {'no': 0.0, 'yes': 1.0})
    """
    filled = [value.strip() for value in values if value.strip()]
    words = sorted(set(filled))
    known = _OF_PAIRS
    if any(name_rank(column, field) is not None for field in ("score", "grade")):
        known = {**_OF_ANYTHING, **_OF_PAIRS}
    score_of_word = {word: known[plain_name(word)] for word in words if plain_name(word) in known}

    # A scale has two different ends, and nearly all values are on it.
    is_scale = len(set(score_of_word.values())) > 1 and len(words) <= _MOST_WORDS
    count = sum(value in score_of_word for value in filled)
    return score_of_word if is_scale and count >= _KNOWN_SHARE * len(filled) else {}
