"""The content words that a paraphrase lost and gained, and whether the gained ones say the same.

A word is kept when it is only inflected, spelt otherwise, joined otherwise or misspelt. A lost
word is replaced when a gained word is its synonym: known anchors use both for the same document,
a thesaurus says so, or their embeddings are close.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

import pandas as pd

from stages.augment.critical_words import is_critical
from stages.augment.phrases import plain_phrases
from stages.lib.core.ids import hash_hex
from stages.lib.preprocessing.word_lists import STOPWORDS
from stages.lib.text.normal_form import words

# Words without content: stopwords, and connecting words that a translation may exchange.
# Negations and opposites are not among them.
_CONNECTING_WORDS = """by as at on from into onto within through via or than then so such also can
could may might will would shall should its their his her your our my they he she we you i one ones
some any each every when where while during whether if because due owing towards toward about
between among amid over up like s t e eg ie etc"""
CONNECTING_WORDS = STOPWORDS | frozenset(_CONNECTING_WORDS.split())

# No complete text ends in these.
_FUNCTION_WORDS = "a an the of to in with for by as at on from into and or any that which if"
_INCOMPLETE_ENDINGS = frozenset(_FUNCTION_WORDS.split())

# Two forms of a word have a common beginning of at least 4 letters and endings of at most 4.
MIN_STEM = 4
MAX_ENDING = 4
# Short words with one wrong letter are often other words.
_MIN_MISSPELT = 5
_MIN_MISSPELT_TWICE = 8

# British spelling becomes American, a double letter a single one.
_SPELLING_RULES = (
    (re.compile("ae|oe"), "e"),
    (re.compile("our"), "or"),
    (re.compile("is(e|ing|ation)"), r"iz\1"),
)
_DOUBLE_LETTER = re.compile(r"([^\W\d_])\1")
# Endings that make another part of speech. The root before them has at least 5 letters. "-less" is
# not among them.
_ENDINGS = """iveness fulness ousness ability ibility ication ation ition ment ness ity
ance ence ancy ency ative itive ive ion ing ed es s ical ic al ally ly er or able ible ant ent ary
ory ous ful y e"""
_FOLDED_ENDINGS = [_DOUBLE_LETTER.sub(r"\1", ending) for ending in _ENDINGS.split()]
_ENDING = re.compile(rf"(?:{'|'.join(_FOLDED_ENDINGS)})$")
_MIN_ROOT = 5

_ABBREVIATION = re.compile(r"\(([A-Z]{2,6})\)")
_LIGHT_COMPOUND = re.compile(r"\b([a-z]{3,})-(sectional|shaped|related|based|type|form|specific)\b")
_NEGATIVE_PREFIX = re.compile("^(?:un|dis|de|non|in)(?=[a-z]{4})")


class WordChanges(NamedTuple):
    """The content words that differ between a parent and its paraphrase, each sorted.

    Attributes:
        lost: words of the parent alone.
        gained: words of the paraphrase alone.
        parent: all content words of the parent.
    """

    lost: tuple[str, ...]
    gained: tuple[str, ...]
    parent: tuple[str, ...]

    def word_pairs(self) -> set[tuple[str, str]]:
        """Return each pair of a parent word and a gained word. Their cosines are needed."""
        word_pairs: set[tuple[str, str]] = set()
        for word in self.parent:
            word_pairs.update((word, gained) for gained in self.gained)

        return word_pairs


class WordContexts(NamedTuple):
    """What a corpus says about its words.

    Attributes:
        vocabulary: all words, in lower case.
        contexts: the places of each word in anchors, as (hash of the words around it, document).
            Words with a
            common place say the same ("jaw" and "mandible"). Words with the same words around
            them, but never with the same document, distinguish documents ("toe" and "finger").
    """

    vocabulary: frozenset[str]
    contexts: Mapping[str, frozenset[tuple[str, str]]]

    def cosine(self, word: str, other: str) -> float | None:
        """Return 1 if two words say the same, -1 if they distinguish documents, else None."""
        places = self.contexts.get(word, frozenset())
        other_places = self.contexts.get(other, frozenset())
        if places & other_places:
            return 1.0

        # The same words around them, with other documents.
        surroundings = {surrounding for surrounding, _ in places}
        other_surroundings = {surrounding for surrounding, _ in other_places}

        return -1.0 if surroundings & other_surroundings else None

    def are_both_used(self, word: str, other: str) -> bool:
        """Return whether known anchors use both words: terms of the field, maybe not synonyms."""
        return word in self.contexts and other in self.contexts


def learn_word_contexts(pairs: pd.DataFrame, texts: Iterable[str]) -> WordContexts:
    """Return the vocabulary and the contexts of words.

    Args:
        pairs: Pairs whose anchors are not held out.
        texts: the texts of documents. They extend the vocabulary alone.
    """
    contexts: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for anchor, doc_id in zip(pairs["anchor"], pairs["doc_id"], strict=True):
        anchor_words = words(anchor)
        for index, word in enumerate(anchor_words):
            if word not in CONNECTING_WORDS:
                # The empty string marks the place of the word.
                surrounding = hash_hex(*anchor_words[:index], "", *anchor_words[index + 1 :])
                contexts[word].add((surrounding, doc_id))

    return WordContexts(
        vocabulary_of([*pairs["anchor"], *texts]),
        {word: frozenset(places) for word, places in contexts.items()},
    )


def vocabulary_of(texts: Iterable[str]) -> frozenset[str]:
    """Return the words of `texts`, in lower case."""
    vocabulary: set[str] = set()
    for text in texts:
        vocabulary.update(words(text))

    return frozenset(vocabulary)


def word_changes(parent: str, paraphrase: str, vocabulary: Collection[str]) -> WordChanges:
    """Return the content words that were lost and gained.

    A word of `vocabulary` is never taken for a misspelling.
    """
    # "Pre-auricular" is "preauricular", and "in the form of a heart" is "heart-shaped".
    parent = plain_phrases(parent)
    paraphrase = plain_phrases(paraphrase)
    parent = _joined_as_in(paraphrase, parent)
    paraphrase = _joined_as_in(parent, paraphrase)
    parent_words = _content_words(parent)
    paraphrase_words = _content_words(paraphrase)

    # Lost: no word of the paraphrase is the same word.
    lost: list[str] = []
    for word in parent_words:
        if not any(is_same_word(word, other, vocabulary) for other in paraphrase_words):
            lost.append(word)

    # Gained: no word of the parent is the same word.
    gained: list[str] = []
    for word in paraphrase_words:
        if not any(is_same_word(original, word, vocabulary) for original in parent_words):
            gained.append(word)

    return WordChanges(tuple(lost), tuple(gained), tuple(parent_words))


def is_same_word(word: str, other: str, vocabulary: Collection[str]) -> bool:
    """Return whether `other` is `word`: equal, another form of it, or a misspelling of it.

    A misspelling is not in `vocabulary`.
    """
    folded = _fold_spelling(word)
    other_folded = _fold_spelling(other)
    if folded == other_folded:
        return True

    # Different numbers are never forms of one word.
    if word.isdigit() or other.isdigit():
        return False

    return (
        _have_same_denied_word(folded, other_folded)
        or _have_same_stem(folded, other_folded)
        or _have_same_root(folded, other_folded)
        or (other not in vocabulary and _is_misspelt(word, folded, other_folded))
    )


def is_truncated(parent: str, text: str, changes: WordChanges) -> bool:
    """Return whether `text` is an incomplete paraphrase.

    It lost content and gained none, or it ends in a word such as "of", and its parent does not.
    """
    if changes.lost and not changes.gained:
        light_words = _words_kept_in_abbreviations(parent, text) | _light_words(parent, text)
        if set(changes.lost) - light_words:
            return True

    return _ends_incomplete(text) and not _ends_incomplete(parent)


def min_word_cosine(changes: WordChanges, cosines: Mapping[tuple[str, str], float]) -> float:
    """Return the cosine of the changed word with the worst counterpart; 1 if no word was changed.

    The counterpart of a lost word is a gained one. The counterpart of a gained word may be any
    word of the parent.

    Args:
        changes: the lost and gained words.
        cosines: the cosine of each pair of `changes.word_pairs()`.
    """
    # Nothing replaced the lost words. `is_truncated` finds that.
    if not changes.gained:
        return 1.0

    # The best counterpart of each changed word.
    best_cosines: list[float] = []
    for lost in changes.lost:
        best_cosines.append(max(cosines[lost, gained] for gained in changes.gained))

    for gained in changes.gained:
        counterparts = [cosines[word, gained] for word in changes.parent]
        best_cosines.append(max(counterparts, default=-1.0))

    return min(best_cosines)


def _joined_as_in(other: str, text: str) -> str:
    """Return the words of `text`, two words as one where `other` joins them."""
    other_words = set(words(other))
    text_words = words(text)
    joined: list[str] = []
    for word in text_words:
        if joined and joined[-1] + word in other_words:
            joined[-1] += word
        else:
            joined.append(word)

    return " ".join(joined)


def _words_kept_in_abbreviations(parent: str, text: str) -> set[str]:
    """Return the words of the parent that an abbreviation behind them spells, if the text has it.

    "Magnetic resonance imaging (MRI)" says the same without "imaging".
    """
    kept: set[str] = set()
    for match in _ABBREVIATION.finditer(parent):
        long_form = words(parent[: match.start()])[-len(match[1]) :]
        initials = "".join(word[0] for word in long_form)
        if initials == match[1].lower() and match[1] in text:
            kept.update(long_form)

    return kept


def _light_words(parent: str, text: str) -> set[str]:
    """Return the second parts of compounds that say little behind the first: "cross-sectional"."""
    text_words = words(text)
    light_words: set[str] = set()
    for match in _LIGHT_COMPOUND.finditer(parent.lower()):
        if any(is_same_word(match[1], word, text_words) for word in text_words):
            light_words.add(match[2])

    return light_words


def _content_words(text: str) -> list[str]:
    """Return the words of a text that are neither connecting nor compared elsewhere, sorted."""
    return sorted(
        {word for word in words(text) if word not in CONNECTING_WORDS and not is_critical(word)}
    )


def _ends_incomplete(text: str) -> bool:
    text_words = words(text)
    return bool(text_words) and text_words[-1] in _INCOMPLETE_ENDINGS


def _have_same_denied_word(folded: str, other_folded: str) -> bool:
    """Return whether both deny the same word by a prefix: "unassigns" and "disassigns"."""
    bare = _NEGATIVE_PREFIX.sub("", folded)
    other_bare = _NEGATIVE_PREFIX.sub("", other_folded)

    return bare == other_bare and bare != folded and other_bare != other_folded


def _have_same_stem(folded: str, other_folded: str) -> bool:
    """Return whether two words have a long common beginning and short endings."""
    shorter = min(len(folded), len(other_folded))
    longer = max(len(folded), len(other_folded))
    stem = 0

    while stem < shorter and folded[stem] == other_folded[stem]:
        stem += 1

    # The stem is also at least three fifths of the shorter word.
    return stem >= MIN_STEM and longer - stem <= MAX_ENDING and 5 * stem >= 3 * shorter


def _have_same_root(folded: str, other_folded: str) -> bool:
    """Return whether two words are one root with other endings: "responsiveness", "response"."""
    root = _root(folded)
    return len(root) >= _MIN_ROOT and root == _root(other_folded)


def _root(folded: str) -> str:
    """Return a word without its longest ending, and without an e, i or y before it."""
    return _ENDING.sub("", folded).rstrip("eiy")


def _is_misspelt(word: str, folded: str, other_folded: str) -> bool:
    """Return whether the other word is one wrong letter away, or two from a long word."""
    if len(word) < _MIN_MISSPELT:
        return False

    max_distance = 2 if len(word) >= _MIN_MISSPELT_TWICE else 1

    return _edit_distance(folded, other_folded) <= max_distance


def _fold_spelling(word: str) -> str:
    """Return a word without accents and double letters, in American spelling."""
    decomposed = unicodedata.normalize("NFD", word)
    folded = "".join(letter for letter in decomposed if not unicodedata.combining(letter))

    for pattern, replacement in _SPELLING_RULES:
        folded = pattern.sub(replacement, folded)

    return _DOUBLE_LETTER.sub(r"\1", folded)


def _edit_distance(word: str, other: str) -> int:
    """Return the Levenshtein distance of two words."""
    # previous[column]: the distance of the letters so far to the first `column` letters of the
    # other word.
    previous = list(range(len(other) + 1))
    for row, letter in enumerate(word, start=1):
        current = [row]
        for column, other_letter in enumerate(other, start=1):
            # The cheapest of three edits.
            deletion = previous[column] + 1
            insertion = current[column - 1] + 1
            substitution = previous[column - 1] + (letter != other_letter)
            current.append(min(deletion, insertion, substitution))

        previous = current

    return previous[-1]
