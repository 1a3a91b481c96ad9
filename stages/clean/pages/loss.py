"""Page loss: the words of the main element of a page that its text does not hold.

This guards the extraction, so it shares nothing with it: another parser (Lexbor) reads the page,
and only HTML itself says what the main element and what furniture is. Classes count for nothing.
So a bar of share buttons is a loss as well, and is listed with the rest.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache
from typing import NamedTuple

# In the order of trust.
_MAIN_ELEMENTS = ("main", "[role=main]", "body")
_FURNITURE = (
    "script, style, noscript, template, svg, math annotation, iframe, object, nav, aside, footer, "
    "header nav, form, button, select, textarea, dialog, [hidden], [aria-hidden=true], "
    "[role=navigation], [role=banner], [role=contentinfo], [role=search], [role=complementary]"
)
# In scripts without spaces each character counts as a word: Thai to Burmese, Khmer, kana, Chinese.
_UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_UNSPACED_LETTER = re.compile(f"[{_UNSPACED}]")
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+|\n")
MOST_LISTED_CHARACTERS = 1000


class PageLoss(NamedTuple):
    """What a page lost.

    Attributes:
        words: the number of words of the main element.
        lost: how many of them its text does not hold, each as often as it is missing.
        lines: the pieces of text that lost most of their words, in the order of the page.
    """

    words: int
    lost: int
    lines: list[str]

    def listing(self) -> str:
        """Return the lost pieces of text, separated by bars, up to MOST_LISTED_CHARACTERS."""
        listed = " | ".join(self.lines)
        if len(listed) <= MOST_LISTED_CHARACTERS:
            return listed

        return listed[: MOST_LISTED_CHARACTERS - 3] + "..."


def page_loss(page: str, text: str) -> PageLoss:
    """Return the words of the main element of the HTML `page` that `text` does not hold.

    >>> page_loss("<body><p>tea pot</p><p>salt</p></body>", "tea pot")
    PageLoss(words=3, lost=1, lines=['salt'])
    """
    if not page:
        return PageLoss(0, 0, [])

    left = Counter(_words(_folded(text)))
    main_text = main_element_text(page)
    pieces = main_text.split("\n")
    words = lost = 0
    lines: list[str] = []
    index = piece_words = missing = 0
    for token in [*_words(_folded(main_text)), "\n"]:
        if token != "\n":
            # Each word of the text stands for one word of the page.
            piece_words += 1
            if left[token] > 0:
                left[token] -= 1
            else:
                missing += 1
            continue

        # The end of a piece.
        words += piece_words
        lost += missing
        if 2 * missing > piece_words:
            lines.append(" ".join(pieces[index].split()))
        index += 1
        piece_words = missing = 0

    return PageLoss(words, lost, lines)


def main_words(page: str) -> Counter[str]:
    """Return the words of the main element with their numbers.

    Words keep their punctuation, which takes a third of the time and does for shares.

    >>> main_words("<body><nav>Home</nav><p>Tea, tea</p>")
    Counter({'Tea,': 1, 'tea': 1})
    """
    return Counter(split_words(main_element_text(page)))


def split_words(text: str) -> list[str]:
    """Return the words of a text with their punctuation; letters in scripts without spaces.

    >>> split_words("Tea, 返品")
    ['Tea,', '返', '品']
    """
    if not text.isascii():
        text = _UNSPACED_LETTER.sub(r" \g<0> ", text)

    return text.split()


# The extraction and the guard read the same page, one after the other.
@lru_cache(maxsize=1)
def main_element_text(page: str) -> str:
    """Return the text of the main element, without furniture, with a line break at each tag.

    A fragment is the body of a page.
    """
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(page.encode("utf-8", "ignore"))
    for node in tree.css(_FURNITURE):
        # An element inside removed furniture is gone already.
        if node.parent is not None:
            node.decompose()

    for selector in _MAIN_ELEMENTS:
        main = tree.css_first(selector)
        text = main.text(separator="\n") if main is not None else ""
        # Some pages mark an empty element, and fill another.
        if text.strip():
            return str(text)

    return ""


def _folded(text: str) -> str:
    """Return a text with compatible forms and small letters alike."""
    return unicodedata.normalize("NFKC", text).lower()


def _words(folded: str) -> list[str]:
    """Return the words of a text, and its line breaks."""
    return _WORD.findall(folded)
