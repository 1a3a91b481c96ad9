"""Language of a text, its sentences, and the spans that must stay verbatim."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

from stages.lib.text.normal_form import UNSPACED_SCRIPT

# Lengths are in characters: the shortest text that is classified (in scripts without spaces a
# character says more), and how much of a long text the model gets.
SHORTEST = 30
SHORTEST_UNSPACED = 10
MAX_CHARACTERS = 2000

# The first language must be e^4, about 55, times as likely as the second.
LANGUAGE_MARGIN = 4.0


def detect_language(text: str) -> str:
    """Return the ISO 639-1 code of the language of `text`, or "" if it is uncertain.

    It is uncertain under 30 characters (10 in scripts without spaces), and if the best language is
    less than about 55 times as likely as the next.

    >>> detect_language("An abnormally increased frequency of infections of the ear.")
    'en'
    >>> detect_language("Fever")
    ''
    """
    # In scripts without spaces, at least half of the characters are of such a script.
    if len(text) < SHORTEST:
        unspaced_count = len(UNSPACED_SCRIPT.findall(text))
        is_unspaced = 2 * unspaced_count >= len(text)
        if len(text) < SHORTEST_UNSPACED or not is_unspaced:
            return ""
    return _classified(text[:MAX_CHARACTERS])


def load_language_model() -> None:
    """Load the model now, so that processes forked from this one share it."""
    _classified("A sentence in English, to load the model.")


@lru_cache(maxsize=4096)
def _classified(text: str) -> str:
    import py3langid

    # Languages with the logarithms of their likelihoods, the most likely first.
    ranked = py3langid.rank(text)
    best_language, best_score = ranked[0]
    _, second_score = ranked[1]

    is_certain = float(best_score) - float(second_score) > LANGUAGE_MARGIN
    return str(best_language) if is_certain else ""


# spaCy's sentencizer looks at whole tokens. In scripts without spaces the ideographic full stop, or
# the full-width exclamation or question mark, is inside a token. Closing brackets and quotes after
# it belong to the sentence.
_STOPS = "\u3002\uff01\uff1f\uff61"
_SENTENCES = re.compile(
    rf"[^{_STOPS}]*[{_STOPS}]+[\u300d\u300f\u201d\u2019\uff09]*\s*|[^{_STOPS}]+"
)


def split_sentences(text: str) -> list[str]:
    r"""Return the sentences of `text`, each with the white space after it.

    A line break ends a sentence too. Joined, the sentences are `text` again.

    >>> split_sentences("One. Two!\nA title")
    ['One. ', 'Two!\n', 'A title']
    """
    parts: list[str] = []
    for line in text.splitlines(keepends=True):
        position = 0
        for spacy_sentence in _splitter()(_SYMBOLS.sub(_as_word, line)).sents:
            end = position + len(spacy_sentence.text_with_ws)
            sentence = line[position:end]
            position = end
            for part in _SENTENCES.findall(sentence):
                # For spaCy, a line break after a full stop is a sentence of its own.
                if parts and part.isspace():
                    parts[-1] += part
                else:
                    parts.append(part)
    return parts


# spaCy takes symbols off a word one at a time, and reads the word again each time: 10,000
# asterisks take 24 s. So it is shown the last ones of a long run, which may end a sentence.
_SYMBOLS = re.compile(r"(?:[^\w\s]|_){40,}")
_LAST_SYMBOLS = 10


def _as_word(run: re.Match[str]) -> str:
    return "x" * (len(run[0]) - _LAST_SYMBOLS) + run[0][-_LAST_SYMBOLS:]


@lru_cache(maxsize=1)
def _splitter() -> Any:
    with _without_torch():
        import spacy

    # "xx" is no language in particular. Texts of any length are allowed.
    language = spacy.blank("xx")
    language.add_pipe("sentencizer")
    language.max_length = 2**31
    return language


@contextmanager
def _without_torch() -> Iterator[None]:
    """Let no import in the block find torch, unless it is loaded already.

    spaCy imports torch where it is installed, which takes twice as long as spaCy itself, in each
    worker. The sentencizer is made of rules and needs no torch. A model of presidio may need it.
    """
    if "torch" in sys.modules or find_spec("presidio_analyzer"):
        yield
        return

    # An import of a name whose module is None raises ImportError.
    sys.modules["torch"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["torch"]


# Code between backticks: a block (to the end of the text if it is not closed), or within a line.
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.DOTALL)

# A token between white space. A plain word, hyphenated or not, with the punctuation around it, is
# skipped at once.
_TOKEN = re.compile(
    r"""(?<!\S)(?!["'(\u201c\u2018]*[A-Za-z]?[a-z]+(?:['\u2019-][a-z]+)*"""
    r"""["'.,;:!?)\u201d\u2019]*(?!\S))\S+"""
)

# Signs that prose does not use within words: snake_case, dotted.names, paths, --flags,
# <placeholders>, $VARIABLES, addresses. Also digits and capitals inside of words: HP:0000003, CD4+,
# camelCase.
_SIGNS = re.compile(r"[_\\/@#$%{}<>|=~^0-9\[\]*&+]|\w[.:]\w|\w\(|^-+\w|[a-z][A-Z]|[A-Z]{2}|::")
_EDGES = "\"'\u201c\u201d\u2018\u2019([{<.,;:!?)]}>*"
_PLACEHOLDER = re.compile(r"[<\[{][^\s<>\[\]{}]+[>\]}]")


def verbatim_spans(text: str) -> list[tuple[int, int]]:
    """Return the verbatim spans of `text` as (start, end), sorted and disjoint.

    >>> text = "Use --max-items with `aws s3 ls` now"
    >>> [text[start:end] for start, end in verbatim_spans(text)]
    ['--max-items', '`aws s3 ls`']
    """
    code_spans: list[tuple[int, int]] = []
    if "`" in text:
        code_spans = [match.span() for match in _CODE.finditer(text)]

    token_spans: list[tuple[int, int]] = []
    code_index = 0
    for match in _TOKEN.finditer(text):
        start, end = match.span()

        # Go to the first code span that ends after the start of the token.
        while code_index < len(code_spans) and code_spans[code_index][1] <= start:
            code_index += 1

        # A token that overlaps code is a part of it, or is written together with it.
        if code_index < len(code_spans) and code_spans[code_index][0] < end:
            continue
        if _is_verbatim(match[0]):
            token_spans.append((start, end))

    return sorted([*code_spans, *token_spans])


def _is_verbatim(token: str) -> bool:
    # A quick answer for plain words in any script.
    if token.isalpha() and (token.islower() or token.istitle()):
        return False
    return bool(_PLACEHOLDER.search(token) or _SIGNS.search(token.strip(_EDGES)))
