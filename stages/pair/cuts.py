"""Recipes that ask with the title, the first sentence or the passage before.

What becomes an anchor out of a text is cut from the text that is trained on, or the task would be to find a string
(inverse cloze task: Lee, Chang and Toutanova 2019, arXiv 1906.00300).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from stages.lib.sentences import sentences
from stages.lib.text import normal_form, words
from stages.pair.proposals import LEAST_WORDS, Made, made
from stages.pair.render import Source, Span, without


def title(source: Source) -> Iterator[Made]:
    """Yield the pair of a titled document: its title should find it."""
    if normal_form(source.title):
        yield made("title", source, (), source.title)


def first_sentence(source: Source) -> Iterator[Made]:
    """Yield a pair per passage: its first sentence should find what is left of it."""
    for at, (start, end) in enumerate(source.passages):
        for left, right in _sentences(source.text, start, end):
            sentence = source.text[left:right].strip()
            if len(words(sentence)) < LEAST_WORDS:
                continue
            rest = without(source.text, (start, end), [(left, right)])
            if len(words(rest)) >= LEAST_WORDS:
                yield made("first_sentence", source, (str(at),), sentence, rest, (left, right))
            break


def neighbours(source: Source) -> Iterator[Made]:
    """Yield a pair per passage that has a next one, which it should find, without what the two have in common."""
    for at, ((start, end), (_, last)) in enumerate(pairwise(source.passages)):
        rest = source.text[end:last].strip()
        if len(words(rest)) >= LEAST_WORDS:
            yield made("neighbours", source, (str(at),), source.text[start:end].strip(), rest)


def _sentences(text: str, start: int, end: int) -> Iterator[Span]:
    at = start
    for sentence in sentences(text[start:end]):
        yield at, at + len(sentence)
        at += len(sentence)
