"""What is a question: its mark in any script, and the words that begin questions.

A page about one subject has headings such as "Ready to start?" that ask nothing. So a question mark
alone is enough only where most headings of the page ask, as in a list of frequent questions.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from stages.lib.text.normal_form import MARKS, UNSPACED_SCRIPT

_WORDS_FILE = Path(__file__).with_name("question_words.txt")
_MARKS = "?\uff1f\u061f\u037e\u055e\u1367\u2e2e\u2048\u2049\u203d\U00011143"
_END = re.compile(rf"""[{_MARKS}][\s!)\]"'\u00bb\u201c\u201d\u2019\u300d\u300f\uff09.\u2026]*$""")
_END_MARKS = re.compile(rf"(?<![{_MARKS}!.\u2026\s])[{_MARKS}!.\u2026\s]++$")
# Greek ends questions with a semicolon. Elsewhere none ends a heading.
_GREEK_END = re.compile(r"[\u0370-\u03ff\u1f00-\u1fff][\s\u00bb\")]*;\s*$")
# Vowel signs of Indian scripts and others are marks, which are no word characters for `re`.
_WORD = re.compile(rf"[^\W\d_](?:[\w'\u2019{MARKS}-]*[\w{MARKS}])?")
_KOREAN = re.compile("[\uac00-\ud7a3]")

# Numbers and labels before a question: "3.", "2.1)", "Q:", "Q12.", "Frage 3:".
_LABEL = re.compile(
    r"\s*+(?:\(?(?:\d{1,3}(?:\.\d{1,3}){0,3}[.):\uff0e\u3001]|\d{1,3}(?:\.\d{1,3}){1,3})\s++|"
    r"(?:q|question|frage|pregunta|pergunta|domanda|vraag|\u0432\u043e\u043f\u0440\u043e\u0441"
    r"|\u554f|\u95ee|\u8cea\u554f|\uc9c8\ubb38|\u0633)\s*+(?:\.\s*+)?#?\d{0,3}\s*+[:.)\uff1a]\s*+)(?=\S)",
    re.IGNORECASE,
)
_PERMALINK = re.compile(r"(?<!\s)(?:\s*+[\u00b6\uf0c1\U0001f517]|\s++#){1,20}+\s*+$")
_LEAST_UNSPACED = 3
_LONGEST = 300


def has_mark(text: str) -> bool:
    """Return whether a text ends with a question mark of any script.

    >>> has_mark("How?"), has_mark("\u0643\u064a\u0641\u061f"), has_mark("How")
    (True, True, False)
    """
    return _END.search(text) is not None or _GREEK_END.search(text) is not None


def has_question_word(text: str) -> bool:
    """Return whether a text begins with a word that asks, or holds one where languages place it so.

    With a question mark, a word such as "does" is enough.

    >>> has_question_word("How to reset it"), has_question_word("Can it?"), has_question_word("Can")
    (True, True, False)
    """
    words_of_kind = _question_words()
    if UNSPACED_SCRIPT.search(text) or _KOREAN.search(text):
        return any(part in text for part in words_of_kind["part"])

    # Spanish begins questions with a mark of its own.
    if text.lstrip().startswith("¿"):
        return True
    words = [word.casefold().replace("\u2019", "'") for word in _WORD.findall(text)]
    if not words:
        return False

    opening = words_of_kind["asking"]
    if has_mark(text):
        opening = opening | words_of_kind["opening"]
        if not words_of_kind["inner"].isdisjoint(words):
            return True
    return words[0] in opening or words[0].partition("'")[0] in opening


def is_courtesy(text: str) -> bool:
    """Return whether a text asks readers something that no answer follows.

    >>> is_courtesy("Was this article helpful?"), is_courtesy("Was the lamp made here?")
    (True, False)
    """
    bare = _END_MARKS.sub("", text.strip())
    return _courtesy().fullmatch(bare) is not None


def may_be_question(text: str) -> bool:
    """Return whether a heading may be a question, which the other headings decide."""
    if len(text) > _LONGEST or is_courtesy(text) or not _says_enough(text):
        return False
    return has_mark(text) or has_question_word(text)


def is_clear_question(text: str) -> bool:
    """Return whether a heading is a question by itself: with a mark and a question word."""
    return may_be_question(text) and has_mark(text) and has_question_word(text)


def without_label(text: str) -> str:
    """Return a heading without the number, the label or the permanent link at its ends.

    >>> without_label("Q3: How do I reset it? \u00b6"), without_label("3D printing: how?")
    ('How do I reset it?', '3D printing: how?')
    """
    plain = _PERMALINK.sub("", " ".join(text.split())).strip()
    label = _LABEL.match(plain)
    return plain[label.end() :] if label else plain


def _says_enough(text: str) -> bool:
    if UNSPACED_SCRIPT.search(text):
        return len(text.strip()) > _LEAST_UNSPACED
    return len(_WORD.findall(text)) >= 2


@cache
def _lines() -> list[tuple[str, str]]:
    """Return the kind and the words of each line of the word list."""
    lines: list[tuple[str, str]] = []
    for line in _WORDS_FILE.read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            kind, _, words = line.split(" ", 2)
            lines.append((kind, words))
    return lines


@cache
def _question_words() -> Mapping[str, frozenset[str]]:
    words_of_kind: dict[str, set[str]] = defaultdict(set)
    for kind, words in _lines():
        if kind != "courtesy":
            words_of_kind[kind].update(words.casefold().split())
    return {kind: frozenset(words) for kind, words in words_of_kind.items()}


@cache
def _courtesy() -> re.Pattern[str]:
    patterns = [words for kind, words in _lines() if kind == "courtesy"]
    return re.compile("|".join(patterns), re.IGNORECASE)
