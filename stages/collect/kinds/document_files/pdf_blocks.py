"""Headings and paragraphs out of the lines of a PDF, without what repeats on its pages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from stages.collect.kinds.document_files.pdf_lines import Line
from stages.lib.text.normal_form import UNSPACED_SCRIPT

# The share of a page at its top, and at its bottom, where running titles stand.
_MARGIN = 0.09
_LEAST_PAGES = 3
_LEAST_SHARE = 0.3
_NUMBER = re.compile(r"\d+")
_PAGE_NUMBER = re.compile(
    r"(?:page|seite|p\.|p\u00e1gina|pagina|\u0441\u0442\u0440\.?|\u7b2c)?\s*+(?:[-\u2013\u2014|(]\s*+)?"
    r"(?:\d{1,4}|[ivxl]{1,6})\s*+(?:[-\u2013\u2014|)]\s*+)?"
    r"(?:(?:/|of|von|de|di|sur|\u0438\u0437)\s*+\d{1,4}\s*+)?(?:\u9875|\u9801|\u30da\u30fc\u30b8)?",
    re.IGNORECASE,
)
# A line is of a heading if it is so much larger than the text, or bold and no longer than this.
_LARGER = 1.15
_LONGEST_HEADING = 200
_LONGEST_BOLD_HEADING = 120
_MOST_LEVELS = 4
# Lines of a paragraph: the distance of their lower edges in leadings, and the width of full ones.
_MOST_LEADING = 1.3
_USUAL_LEADING = 1.2
_LEAST_STEPS = 3
_FULL_SHARE = 0.8
_SAME_SIZE = 0.12
_LEADERS = re.compile(r"(?:[.\u2026\u00b7_] ?){5}")
_LIST_MARK = re.compile(
    r"(?:[•●▪◦‣·*\u2013\u2014-]|\(?\d{1,3}[.)]|\(?[a-zA-Z][.)]|\d{1,2}(?:\.\d{1,2})+\.?)\s+\S"
)
_WIDE_SIGNS = frozenset(map(chr, [*range(0x3000, 0x3040), *range(0xFF00, 0xFF66)]))
_SENTENCE_END = re.compile(r"[.!?:;\u3002\uff01\uff1f\u061f][\"'\u201d\u2019»)\]]*$")


class Block(NamedTuple):
    """A heading of a level from 1, or a paragraph of level 0."""

    level: int
    text: str


class PdfPage(NamedTuple):
    """The lines of a page, and its height."""

    lines: list[Line]
    height: float


class _Occurrence(NamedTuple):
    """The page of a running title, and the numbers in it."""

    page: int
    numbers: tuple[int, ...]

    def repeats(self, other: _Occurrence) -> bool:
        """Return whether each number is the same, or grows with the pages."""
        step = self.page - other.page
        pairs = zip(self.numbers, other.numbers, strict=True)
        return all(own - first in (0, step) for own, first in pairs)


class PageLines(NamedTuple):
    """The lines of all pages without what repeats, and the lines that were left out."""

    pages: list[list[Line]]
    left_out: list[str]


def without_page_furniture(pages: Sequence[PdfPage]) -> PageLines:
    """Return the pages without page numbers and running titles.

    The first title stays, unless a line of the text has its words.

    They stand in the margins. A running title stands on three pages at least, and on a third of
    them. Numbers in it are the same, or grow with the pages.
    """
    margins = [_margin_lines(page) for page in pages]
    counts: Counter[str] = Counter()
    for lines in margins:
        counts.update({_pattern(line.text) for line in lines})

    least = max(_LEAST_PAGES, _LEAST_SHARE * len(pages))
    numbered = sum(_has_page_number(lines) for lines in margins)
    body_lines = _texts_outside(pages, margins)
    kept_pages: list[list[Line]] = []
    left_out: list[str] = []
    first_of_pattern: dict[str, _Occurrence] = {}
    for number, page in enumerate(pages):
        kept: list[Line] = []
        for line in page.lines:
            pattern = _pattern(line.text)
            first = first_of_pattern.get(pattern)
            own = _Occurrence(number, _numbers(line.text))
            repeats = first is not None and own.repeats(first)
            is_in_margin = line in margins[number]
            is_number = is_in_margin and numbered >= 2 and _is_page_number(line.text)
            is_running = is_in_margin and counts[pattern] >= least
            if is_number or (is_running and (repeats or line.text.casefold() in body_lines)):
                left_out.append(line.text)
            else:
                kept.append(line)
            if is_running:
                first_of_pattern.setdefault(pattern, own)
        kept_pages.append(kept)
    return PageLines(kept_pages, left_out)


def blocks_of(pages: Sequence[Sequence[Line]]) -> list[Block]:
    """Return the headings and paragraphs of the pages in order."""
    lines = [line for page in pages for line in page]
    if not lines:
        return []

    level_of = _levels(lines)
    leading = _leading(pages)
    words = Counter(re.findall(r"\w+(?:-\w+)*", " ".join(line.text for line in lines).lower()))
    blocks: list[Block] = []
    for page in pages:
        page_blocks: list[Block] = []
        for paragraph in _paragraphs(page, level_of, leading):
            text = _joined(paragraph, words)
            page_blocks.append(Block(level_of(paragraph[0]), text))
        _append_page(blocks, page_blocks)
    return blocks


def large_title(pages: Sequence[Sequence[Line]]) -> str:
    """Return the largest lines of the first page, if they are larger than its text; else ""."""
    first = pages[0] if pages else []
    body = _body_size([line for page in pages for line in page])
    largest = max((line.size for line in first), default=0.0)
    if largest < _LARGER * body:
        return ""

    titles = [line for line in first if line.size >= (1 - _SAME_SIZE) * largest]
    text = " ".join(line.text for line in titles[:4])
    return text if len(text) <= _LONGEST_HEADING and re.search(r"\w\w", text) else ""


def _append_page(blocks: list[Block], page: Sequence[Block]) -> None:
    """Append the blocks of a page. A paragraph that no sentence ends goes on in the next page."""
    rest = list(page)
    if blocks and rest and not blocks[-1].level and not rest[0].level:
        last = blocks[-1].text
        goes_on = rest[0].text[0].islower() and not _SENTENCE_END.search(last)
        if goes_on:
            blocks[-1] = Block(0, f"{last} {rest.pop(0).text}")
    blocks += rest


def _has_page_number(lines: Sequence[Line]) -> bool:
    return any(_is_page_number(line.text) for line in lines)


def _texts_outside(pages: Sequence[PdfPage], margins: Sequence[Sequence[Line]]) -> set[str]:
    """Return the lines outside the margins. A running title that is one of them may go."""
    texts: set[str] = set()
    for page, margin in zip(pages, margins, strict=True):
        texts.update(line.text.casefold() for line in page.lines if line not in margin)
    return texts


def _margin_lines(page: PdfPage) -> list[Line]:
    upper = (1 - _MARGIN) * page.height
    lower = _MARGIN * page.height
    return [line for line in page.lines if line.bottom >= upper or line.top <= lower]


def _pattern(text: str) -> str:
    return _NUMBER.sub("#", text).casefold()


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(digits[:9]) for digits in _NUMBER.findall(text))


def _is_page_number(text: str) -> bool:
    return _PAGE_NUMBER.fullmatch(text.strip()) is not None


def _body_size(lines: Sequence[Line]) -> float:
    """Return the size of most letters."""
    letters: Counter[float] = Counter()
    for line in lines:
        letters[round(line.size, 1)] += len(line.text)
    most = max(letters.values(), default=0)
    return min((size for size, count in letters.items() if count == most), default=0.0)


def _levels(lines: Sequence[Line]) -> Callable[[Line], int]:
    """Return the function from a line to the level of its heading; 0 for text.

    The largest size is level 1. Bold lines of the size of the text are one level below.
    """
    body = _body_size(lines)
    sizes = {round(line.size, 0) for line in lines if line.size >= _LARGER * body}
    level_of_size: Mapping[float, int] = {
        size: min(level, _MOST_LEVELS) for level, size in enumerate(sorted(sizes, reverse=True), 1)
    }
    bold_level = max(level_of_size.values(), default=1) + 1
    letters = sum(len(line.text) for line in lines)
    bold_letters = sum(len(line.text) for line in lines if line.is_bold)
    bold_says_something = 2 * bold_letters < letters

    def level(line: Line) -> int:
        if len(line.text) > _LONGEST_HEADING or not re.search(r"\w", line.text):
            return 0
        # A line of a table of contents.
        if _LEADERS.search(line.text):
            return 0
        if line.size >= _LARGER * body:
            return level_of_size[round(line.size, 0)]
        is_short = len(line.text) <= _LONGEST_BOLD_HEADING
        ends_sentence = re.search(r"[.,;:]$", line.text) is not None
        if bold_says_something and line.is_bold and is_short and not ends_sentence:
            return bold_level
        return 0

    return level


def _leading(pages: Sequence[Sequence[Line]]) -> float:
    """Return the usual distance between the lower edges of lines: the most frequent one."""
    steps: Counter[float] = Counter()
    sizes: list[float] = []
    for page in pages:
        sizes += [line.size for line in page]
        for upper, lower in pairwise(page):
            step = upper.bottom - lower.bottom
            if 0 < step < 4 * upper.size:
                steps[round(2 * step) / 2] += 1

    most = max(steps.values(), default=0)
    if most < _LEAST_STEPS:
        return _USUAL_LEADING * median(sizes)
    return min(step for step, count in steps.items() if count == most)


def _paragraphs(
    page: Sequence[Line], level_of: Callable[[Line], int], leading: float
) -> list[list[Line]]:
    """Return the lines of a page by headings and paragraphs."""
    right_edge = _right_edges(page)
    paragraphs: list[list[Line]] = []
    for index, line in enumerate(page):
        if paragraphs and _goes_on(
            paragraphs[-1], line, right_edge[index - 1], level_of=level_of, leading=leading
        ):
            paragraphs[-1].append(line)
        else:
            paragraphs.append([line])
    return paragraphs


def _goes_on(
    paragraph: Sequence[Line],
    line: Line,
    right_edge: float,
    *,
    level_of: Callable[[Line], int],
    leading: float,
) -> bool:
    """Return whether a line belongs to the paragraph, or to the heading, before it."""
    last = paragraph[-1]
    if last.is_broken:
        return True
    if level_of(last) != level_of(line) or last.is_bold != line.is_bold:
        return False

    if last.is_row or line.is_row:
        return False

    step = last.bottom - line.bottom
    is_same_size = abs(last.size - line.size) <= _SAME_SIZE * last.size
    is_below = 0 < step <= _MOST_LEADING * max(leading, last.size)
    if not is_same_size or not is_below or _LIST_MARK.match(line.text):
        return False
    if level_of(line):
        return not _SENTENCE_END.search(last.text)

    # A line that is not full ends its paragraph, and an indent begins one.
    first_left = min(inner.left for inner in paragraph)
    is_full = last.right - first_left >= _FULL_SHARE * (right_edge - first_left)
    is_indented = len(paragraph) > 1 and line.left > last.left + last.size
    return is_full and not is_indented


def _right_edges(page: Sequence[Line]) -> list[float]:
    """Return for each line the right edge of the lines that overlap it from above and below."""
    edges: list[float] = []
    for index, line in enumerate(page):
        near = page[max(0, index - 20) : index + 20]
        beside = [other for other in near if other.left < line.right and other.right > line.left]
        edges.append(max(other.right for other in beside))
    return edges


def _joined(lines: Sequence[Line], words: Mapping[str, int]) -> str:
    """Return the text of lines that belong together. Broken words become whole."""
    text = lines[0].text
    for last, line in pairwise(lines):
        if last.is_broken:
            text += _hyphen(text, line.text, words) + line.text
        elif text and line.text and _is_unspaced(text[-1]) and _is_unspaced(line.text[0]):
            text += line.text
        else:
            text += f" {line.text}"
    return text


def _hyphen(before: str, after: str, words: Mapping[str, int]) -> str:
    """Return "-" for a compound, and "" for a word that was broken at the end of the line."""
    left = re.search(r"(?<![\w-])[\w-]*+$", before)
    right = re.match(r"[\w-]*", after)
    if left is None or right is None or not left[0][-1:].isalpha() or not right[0][:1].islower():
        return "-"

    # The rest of the document may show how the word is written.
    whole = words.get((left[0] + right[0]).lower(), 0)
    compound = words.get(f"{left[0]}-{right[0]}".lower(), 0)
    return "-" if compound > whole else ""


def _is_unspaced(character: str) -> bool:
    # Korean has spaces. Signs of full width stand without.
    return bool(UNSPACED_SCRIPT.match(character)) or character in _WIDE_SIGNS
