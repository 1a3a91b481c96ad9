"""Boilerplate: lines and sentences that recur over the documents of a source, by document frequency.

Two passes: count in how many documents of a source each line and sentence stands, then take out those that stand in
too many. What a document says is never known from itself alone, and never from the order of documents.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from stages.clean.edits import Edit
from stages.lib.text import UNSPACED, hash_hex, normal_form

_FENCE = re.compile(r"^```.*?(?:^```|\Z)", re.MULTILINE | re.DOTALL)
# After a sentence comes space and something that can begin one; scripts without spaces need neither.
_SENTENCE = re.compile(r"[.!?\u2026][\"'\u201d\u2019)\]]*(?=\s+[^\sa-z])|[\u3002\uff01\uff1f]")
_ABBREVIATED = re.compile(
    r"(?:\b(?:e\.g|i\.e|vs|cf|ca|etc|approx|fig|no|dr|mr|mrs|ms|prof|st|sr|sra|jr|inc|ltd|al|resp|incl)|\b[a-z])\.$",
    re.IGNORECASE,
)
_ITEM = re.compile(r"\s*(?:[-*\u2022|>#]|\d+[.)])\s")
# A line of its own needs this many words to be boilerplate, a sentence within a line or an item of a list more:
# "Yes." before an answer and "- String" in a list say something, however often they stand there.
LINE_WORDS, SENTENCE_WORDS = 2, 4


class Segment(NamedTuple):
    """A line or sentence, where it stands, and a hash of its normal form."""

    start: int
    end: int
    key: str


def segments(text: str) -> list[Segment]:
    """Return the lines of `text`, those of several sentences cut into them; code and what is too short is left out."""
    found: list[Segment] = []
    fences = iter([match.span() for match in _FENCE.finditer(text)] if "```" in text else [])
    fence = next(fences, None)
    start = 0
    for line in text.splitlines(keepends=True):
        end = start + len(line)
        while fence and fence[1] <= start:
            fence = next(fences, None)
        if not fence or start < fence[0]:
            spans = _sentences(text, start, start + len(line.rstrip()))
            least = LINE_WORDS if len(spans) == 1 and not _ITEM.match(line) else SENTENCE_WORDS
            for left, right in spans:
                form = normal_form(text[left:right])
                if _size(form) >= least:
                    found.append(Segment(left, right, hash_hex(form)))
        start = end
    return found


def counts(texts: Iterable[str]) -> Counter[str]:
    """Return in how many of `texts` each line and sentence stands, by key."""
    found: Counter[str] = Counter()
    for text in texts:
        found.update({segment.key for segment in segments(text)})
    return found


def recurring(
    counts: Mapping[str, int], documents: int, share: float, minimum: int
) -> frozenset[str]:
    """Return the keys that stand in at least `minimum` and at least `share` of `documents` documents."""
    least = max(minimum, share * documents)
    return frozenset(key for key, count in counts.items() if count >= least)


def remove(text: str, recurring: frozenset[str]) -> list[Edit]:
    """Return the edits, from right to left, that take `recurring` segments out; none if no word would be left."""
    spans = [(segment.start, segment.end) for segment in segments(text) if segment.key in recurring]
    if not spans:
        return []
    edits = [
        Edit("boilerplate", *span, text[slice(*span)], "") for span in _with_space(text, spans)
    ]
    left, at = [], 0
    for edit in edits:
        left.append(text[at : edit.start])
        at = edit.end
    return edits[::-1] if re.search(r"\w", "".join([*left, text[at:]])) else []


def _with_space(text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return `spans`, each with the white space that would be left over: behind it, or before it at the end."""
    widened: list[tuple[int, int]] = []
    for start, end in spans:
        after = end
        while after < len(text) and text[after].isspace():
            after += 1
            if text[after - 1] == "\n":
                break
        begins = not start or text[start - 1] == "\n" or bool(widened and widened[-1][1] == start)
        ends = after == len(text) or text[after - 1] == "\n"
        if ends and not begins:
            # The line goes on in front: its break stays, and the blanks before the sentence go.
            after = end
            while start and text[start - 1] in " \t":
                start -= 1
        elif after == len(text) and begins:
            while start and text[start - 1].isspace() and not (widened and widened[-1][1] >= start):
                start -= 1
        widened.append((start, after))
    return widened


def _sentences(text: str, start: int, end: int) -> list[tuple[int, int]]:
    spans, at = [], start
    for match in _SENTENCE.finditer(text, start, end):
        if not _ABBREVIATED.search(text, max(at, match.end() - 12), match.end()):
            spans.append((at, match.end()))
            at = match.end()
            while at < end and text[at].isspace():
                at += 1
    return [*spans, (at, end)] if at < end else spans


def _size(form: str) -> int:
    # Two characters of a script without spaces count as a word.
    unspaced = len(UNSPACED.findall(form))
    return form.count(" ") + 1 + unspaced // 2 if unspaced else len(form.split())
