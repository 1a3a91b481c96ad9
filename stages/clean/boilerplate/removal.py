"""Boilerplate: lines and sentences that recur over the documents of a source.

Count in how many documents of a source each line and sentence stands. What stands in many is
boilerplate unless it carries something: recurring_lines.py decides. Then it is removed. A text
alone never decides what is boilerplate, and neither does the order of documents.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from stages.clean.edits import Edit, apply
from stages.lib.core.ids import hash_hex
from stages.lib.text.normal_form import UNSPACED_SCRIPT, normal_form

_FENCE = re.compile(r"^```.*?(?:^```|\Z)", re.MULTILINE | re.DOTALL)
# White space and something that can begin a sentence follow the end of one. Scripts without
# spaces need neither.
_SENTENCE_END = re.compile(r"[.!?\u2026][\"'\u201d\u2019)\]]*(?=\s+[^\sa-z])|[\u3002\uff01\uff1f]")
_ABBREVIATION_END = re.compile(
    r"(?:\b(?:e\.g|i\.e|vs|cf|ca|etc|approx|fig|no|dr|mr|mrs|ms|prof|st|sr|sra"
    r"|jr|inc|ltd|al|resp|incl)"
    r"|\b[a-z])\.$",
    re.IGNORECASE,
)
_ABBREVIATION_REACH = 12  # characters that _ABBREVIATION_END looks back
_LIST_ITEM = re.compile(r"\s*(?:[-*\u2022|>#]|\d+[.)])\s")

# A line needs this many words to be boilerplate. A sentence within a line, or an item of a
# list, needs more: "Yes." before an answer and "- String" in a list have a meaning, however
# often they stand there.
LEAST_LINE_WORDS = 2
LEAST_SENTENCE_WORDS = 4

# A number with its unit is a value: "20 cm", "1,5 l", "5 mg per day".
_VALUE = re.compile(r"[-+~<>\u2264\u2265\u00b1$\u20ac\u00a3\u00a5]?\s?\d\S*(?:\s\S+){0,3}")
MOST_VALUE_WORDS = 4

# A document of which less than this share of letters and digits would remain stays whole.
LEAST_REMAINING = 0.1
_LETTER_OR_DIGIT = re.compile(r"\w")


class Segment(NamedTuple):
    """A line or sentence.

    Attributes:
        start: where it begins in the text.
        end: where it ends, exclusive.
        key: the hash of its normal form.
        form: its normal form.
    """

    start: int
    end: int
    key: str
    form: str

    def of(self, text: str) -> str:
        """Return the line or sentence as it stands in `text`."""
        return text[self.start : self.end]


def segments(text: str) -> list[Segment]:
    """Return the lines of `text`, cut into sentences where they hold several.

    Code and segments of too few words are left out.
    """
    result: list[Segment] = []
    for start, line in _lines_outside_fences(text):
        spans = _sentence_spans(text, start, start + len(line.rstrip()))

        # A line of its own needs fewer words than a sentence among others.
        is_single = len(spans) == 1 and not _LIST_ITEM.match(line)
        least_words = LEAST_LINE_WORDS if is_single else LEAST_SENTENCE_WORDS

        for span_start, span_end in spans:
            segment_text = text[span_start:span_end]
            form = normal_form(segment_text)
            if _word_count(form) >= least_words and not _is_value(segment_text):
                result.append(Segment(span_start, span_end, hash_hex(form), form))

    return result


def count_segments(texts: Iterable[str]) -> Counter[str]:
    """Return key to the number of `texts` that hold the segment."""
    count_by_key: Counter[str] = Counter()
    for text in texts:
        count_by_key.update({segment.key for segment in segments(text)})

    return count_by_key


def recurring_segments(
    count_by_key: Mapping[str, int],
    documents: int,
    share: float,
    minimum: int,
) -> frozenset[str]:
    """Return the keys with a count of at least `minimum` and at least `share` of all documents."""
    # Both limits must be reached.
    least_count = max(minimum, share * documents)
    return frozenset(key for key, count in count_by_key.items() if count >= least_count)


def remove_recurring(text: str, recurring: frozenset[str]) -> list[Edit]:
    """Return the edits, from right to left, that remove the segments with a key in `recurring`.

    The list is empty if too little of the text would remain.
    """
    spans = [(segment.start, segment.end) for segment in segments(text) if segment.key in recurring]
    edits = edits_of(text, spans)
    return edits if edits and remaining_share(text, edits) >= LEAST_REMAINING else []


def edits_of(text: str, spans: list[tuple[int, int]]) -> list[Edit]:
    """Return the edits, from right to left, that remove `spans` with their white space."""
    edits: list[Edit] = []
    for start, end in _with_white_space(text, spans):
        edits.append(Edit("boilerplate", start=start, end=end, before=text[start:end], after=""))

    edits.reverse()
    return edits


def remaining_share(text: str, edits: list[Edit]) -> float:
    """Return the share of the letters and digits of `text` that remains after removals."""
    return letter_count(apply(text, edits)) / max(1, letter_count(text))


def letter_count(text: str) -> int:
    """Return the number of letters and digits: the length of a text in any script."""
    return len(_LETTER_OR_DIGIT.findall(text))


def _lines_outside_fences(text: str) -> list[tuple[int, str]]:
    """Return start and text of each line that no code fence holds."""
    fences = [match.span() for match in _FENCE.finditer(text)] if "```" in text else []
    lines: list[tuple[int, str]] = []
    fence_index = 0
    start = 0
    for line in text.splitlines(keepends=True):
        # Go on to the first fence that does not end before this line.
        while fence_index < len(fences) and fences[fence_index][1] <= start:
            fence_index += 1

        if fence_index == len(fences) or start < fences[fence_index][0]:
            lines.append((start, line))

        start += len(line)

    return lines


def _sentence_spans(
    text: str,
    start: int,
    end: int,
) -> list[tuple[int, int]]:
    """Return the spans of the sentences, without the white space after them."""
    spans: list[tuple[int, int]] = []
    sentence_start = start
    for match in _SENTENCE_END.finditer(text, start, end):
        # "Dr." ends no sentence.
        look_back = max(sentence_start, match.end() - _ABBREVIATION_REACH)
        if _ABBREVIATION_END.search(text, look_back, match.end()):
            continue

        spans.append((sentence_start, match.end()))
        sentence_start = match.end()
        while sentence_start < end and text[sentence_start].isspace():
            sentence_start += 1

    if sentence_start < end:
        spans.append((sentence_start, end))

    return spans


def _with_white_space(text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return `spans`, each with the white space that nothing would need after the removal.

    That is the white space after the span, or the white space before it at the end of the text.
    """
    widened: list[tuple[int, int]] = []
    for start, end in spans:
        after = _end_of_white_space(text, end)
        last_end = widened[-1][1] if widened else -1

        begins_line = start == 0 or text[start - 1] == "\n" or last_end == start
        ends_line = after == len(text) or text[after - 1] == "\n"
        if ends_line and not begins_line:
            # Text before the span stays on this line. Keep its line break, and remove the
            # blanks before the span.
            after = end
            while start and text[start - 1] in " \t":
                start -= 1
        elif after == len(text) and begins_line:
            # At the end of the text, the line break before the span goes too.
            while start and text[start - 1].isspace() and last_end < start:
                start -= 1

        widened.append((start, after))

    return widened


def _end_of_white_space(text: str, position: int) -> int:
    """Return the end of the white space at `position`, at most through one line break."""
    while position < len(text) and text[position].isspace():
        position += 1
        if text[position - 1] == "\n":
            break

    return position


def _is_value(line: str) -> bool:
    """Return whether a line is a number with its unit alone."""
    return len(line.split()) <= MOST_VALUE_WORDS and _VALUE.fullmatch(line.strip()) is not None


def _word_count(form: str) -> int:
    """Return the number of words. Two characters of a script without spaces count as a word."""
    # Text may mix both kinds of scripts.
    unspaced = len(UNSPACED_SCRIPT.findall(form))
    if unspaced:
        return form.count(" ") + 1 + unspaced // 2

    return len(form.split())
