"""Recipes that ask with a heading for its section, and with a question for its answer."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from itertools import pairwise

from stages.lib.text import normal_form, words
from stages.pair.proposals import LEAST_WORDS, Made, fitting, lines_of, made
from stages.pair.render import Source

_HEADING = re.compile(
    r"<h([1-6])\b[^>]*>(?P<tagged>.{1,500}?)</h\1\s*>"
    r"|^[ ]{0,3}\#{1,6}[ \t]+(?P<marked>[^\n]{1,300}?)[ \t]*\#*[ \t]*$"
    r"|^(?P<underlined>[^\s#>|-][^\n]{0,300})\n[ ]{0,3}(?:={3,}|-{3,})[ \t]*$",
    re.MULTILINE | re.IGNORECASE | re.DOTALL,
)
_TAG = re.compile(r"<[^>]{0,1000}>")
_MARK = re.compile(r"[*_`]+|\[(?P<words>[^\]\n]+)\]\([^)\n]*\)")
_ASKS = re.compile(r"[ \t]*(?:Q|Question)[ \t]*\d*:[ \t]*(?=\S)", re.IGNORECASE)
_ANSWER_ANYWHERE = re.compile(r"(?<=\s)(?:A|Answer)[ \t]*\d*:[ \t]*", re.IGNORECASE)
_ANSWER_LINE = re.compile(r"^[ \t]*(?:A|Answer)[ \t]*\d*:[ \t]*", re.IGNORECASE | re.MULTILINE)
_QUESTION_MARKS = ("?", "\uff1f", "\u061f", "\u037e")


def headings_of(raw: str) -> list[str]:
    """Return the headings of a text as collected, HTML or Markdown, without their marks, in order."""
    found = []
    for match in _HEADING.finditer(raw):
        heading = match["tagged"] or match["marked"] or match["underlined"]
        bare = _MARK.sub(lambda mark: mark["words"] or "", html.unescape(_TAG.sub(" ", heading)))
        found.append(" ".join(bare.split()))
    return found


def heading(source: Source, raw: str) -> Iterator[Made]:
    """Yield a pair per section: its heading, after the title where there is one, should find the section.

    `raw` is the document as collected: cleaning takes the marks of headings and leaves their words as a line, so a
    line that says what a heading said begins a section. One that cleaning changed begins none.
    """
    known = {normal_form(one) for one in headings_of(raw)} - {""}
    starts = [
        span for span in lines_of(source.text) if normal_form(source.text[slice(*span)]) in known
    ]
    seen = set()
    for (left, begins), (ends, _) in pairwise([*starts, (len(source.text), 0)]):
        form = normal_form(source.text[left:begins])
        section = fitting(source, begins, ends)
        if form not in seen and len(words(section)) >= LEAST_WORDS:
            seen.add(form)
            name = " ".join(source.text[left:begins].split())
            asks = (
                f"{source.title}: {name}" if normal_form(source.title) not in ("", form) else name
            )
            yield made("heading", source, (form,), asks, section, (left, begins))


def question(source: Source) -> Iterator[Made]:
    """Yield a pair per question of a text that begins with one: it should find its answer.

    A question is a line that ends in a question mark; or one that begins with "Q:", and where the first does, only
    these. Its answer is what follows, up to the next question, or what stands after "A:".
    """
    lines = [span for span in lines_of(source.text) if source.text[slice(*span)].strip()]
    if not lines or not _is_question(source.text[slice(*lines[0])]):
        return
    is_question = _ASKS.match if _ASKS.match(source.text[slice(*lines[0])]) else _is_question
    asked = [at for at, span in enumerate(lines) if is_question(source.text[slice(*span)])]
    seen = set()
    for at, following in pairwise([*asked, len(lines)]):
        left, line_end, last = *lines[at], lines[following - 1][1]
        block, mark = source.text[left:last], _ASKS.match(source.text, left)
        begun = mark.end() - left if mark else 0
        answer = (_ANSWER_ANYWHERE if mark else _ANSWER_LINE).search(block, begun)
        ends, begins = answer.span() if answer else (line_end - left, line_end - left)
        asks, told = " ".join(block[begun:ends].split()), fitting(source, left + begins, last)
        form = normal_form(asks)
        if form and form not in seen and words(told):
            seen.add(form)
            yield made("question", source, (form,), asks, told, (left, left + begins))


def _is_question(line: str) -> bool:
    return bool(_ASKS.match(line)) or line.rstrip().endswith(_QUESTION_MARKS)
