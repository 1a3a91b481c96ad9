"""Recipes for documents with a structure: a heading finds its section, a question its answer."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from stages.lib.text.normal_form import normal_form, words
from stages.pair.candidates import (
    MIN_WORDS,
    PairCandidate,
    candidate,
    line_spans,
    longest_part,
)
from stages.pair.render import SourceDocument, Span

_HEADING = re.compile(
    r"<h([1-6])\b[^>]{0,500}>(?P<tagged>.{1,500}?)</h\1\s{0,100}>"
    r"|^[ ]{0,3}\#{1,6}[ \t]++(?P<marked>[^\n]{1,300}?)[ \t]*+\#*+[ \t]*+$"
    r"|^(?P<underlined>[^\s#>|-][^\n]{0,300})\n[ ]{0,3}(?:={3,}|-{3,})[ \t]*$",
    re.MULTILINE | re.IGNORECASE | re.DOTALL,
)
_TAG = re.compile(r"<[^>]{0,1000}>")
_MARKUP = re.compile(r"[*_`]+|\[(?P<words>[^\]\n]+)\]\([^)\n]*\)")
_QUESTION_PREFIX = re.compile(r"[ \t]*(?:Q|Question)[ \t]*\d*:[ \t]*(?=\S)", re.IGNORECASE)
_ANSWER_ANYWHERE = re.compile(r"(?<=\s)(?:A|Answer)[ \t]*\d*:[ \t]*", re.IGNORECASE)
_ANSWER_LINE = re.compile(r"^[ \t]*(?:A|Answer)[ \t]*\d*:[ \t]*", re.IGNORECASE | re.MULTILINE)
_QUESTION_MARKS = ("?", "\uff1f", "\u061f", "\u037e")


class _QuestionBlock(NamedTuple):
    """The question of a block, and the position in the document where its answer begins."""

    question: str
    answer_start: int


def headings_of(collected_text: str) -> list[str]:
    """Return the headings of a text as collected, HTML or Markdown, without their marks, in order.

    >>> headings_of("# The **lamp**")
    ['The lamp']
    """
    headings: list[str] = []
    for match in _HEADING.finditer(collected_text):
        heading = match["tagged"] or match["marked"] or match["underlined"]

        # Tags and entities first, then emphasis and links of Markdown.
        plain = html.unescape(_TAG.sub(" ", heading))
        bare = _MARKUP.sub(lambda mark: mark["words"] or "", plain)
        headings.append(" ".join(bare.split()))

    return headings


def heading(source: SourceDocument, collected_text: str) -> Iterator[PairCandidate]:
    """Yield a pair for each section: its heading finds it.

    The title of the document stands before the heading. Cleaning removes the marks of headings
    and leaves their words as a line. A line with the words of a heading of `collected_text`
    therefore begins a section. A heading that cleaning changed begins none.
    """
    text = source.text

    # The lines of the text that were headings before cleaning.
    heading_forms = {normal_form(name) for name in headings_of(collected_text)} - {""}
    heading_lines = [
        span for span in line_spans(text) if normal_form(span.of(text)) in heading_forms
    ]

    # Each section ends where the next heading begins, the last one at the end of the text.
    text_end = Span(len(text), len(text))
    seen_forms: set[str] = set()
    for line, next_line in pairwise([*heading_lines, text_end]):
        form = normal_form(line.of(text))
        section = longest_part(source, Span(line.end, next_line.start))
        if form in seen_forms or len(words(section)) < MIN_WORDS:
            continue

        # The anchor has the title in front, unless the heading repeats it.
        seen_forms.add(form)
        anchor = " ".join(line.of(text).split())
        if normal_form(source.title) not in ("", form):
            anchor = f"{source.title}: {anchor}"

        yield candidate(
            "heading",
            source,
            (form,),
            anchor=anchor,
            positive=section,
            anchor_span=line,
        )


def question(source: SourceDocument) -> Iterator[PairCandidate]:
    """Yield a pair for each question of a text that begins with one: the question finds its answer.

    A question is a line that ends in a question mark or begins with "Q:". If the first one begins
    with "Q:", all do. The answer is the text up to the next question, or the text behind "A:".
    """
    text = source.text

    # Only a text whose first line is a question is a list of questions.
    lines = [span for span in line_spans(text) if span.of(text).strip()]
    if not lines or not _is_question(lines[0].of(text)):
        return

    has_prefix = _QUESTION_PREFIX.match(lines[0].of(text)) is not None
    begins_block = _has_question_prefix if has_prefix else _is_question
    first_lines = [index for index, line in enumerate(lines) if begins_block(line.of(text))]

    # A block holds a question and its answer.
    seen_forms: set[str] = set()
    for index, next_index in pairwise([*first_lines, len(lines)]):
        block = Span(lines[index].start, lines[next_index - 1].end)
        parts = _split_block(text, block, lines[index])
        answer = longest_part(source, Span(parts.answer_start, block.end))
        form = normal_form(parts.question)
        if not form or form in seen_forms or not words(answer):
            continue

        seen_forms.add(form)
        yield candidate(
            "question",
            source,
            (form,),
            anchor=parts.question,
            positive=answer,
            anchor_span=Span(block.start, parts.answer_start),
        )


def _split_block(text: str, block: Span, first_line: Span) -> _QuestionBlock:
    """Return the question of a block and the start of its answer."""
    # With "Q:" the mark of the answer may stand anywhere, else only at the start of a line.
    prefix = _QUESTION_PREFIX.match(text, block.start)
    answer_mark = _ANSWER_ANYWHERE if prefix else _ANSWER_LINE

    # Positions in the block, not in the text, so that "^" matches at its start.
    block_text = block.of(text)
    question_start = prefix.end() - block.start if prefix else 0
    question_end = first_line.end - block.start
    answer_start = question_end
    match = answer_mark.search(block_text, question_start)
    if match:
        question_end = match.start()
        answer_start = match.end()

    question_text = " ".join(block_text[question_start:question_end].split())

    return _QuestionBlock(question_text, block.start + answer_start)


def _has_question_prefix(line: str) -> bool:
    return _QUESTION_PREFIX.match(line) is not None


def _is_question(line: str) -> bool:
    return _has_question_prefix(line) or line.rstrip().endswith(_QUESTION_MARKS)
