"""Foreign texts in Markdown: what a person or a file named is shown, and never read as a mark.

A topic, a branch or a query may hold HTML, an image that reports who reads it, a mention that
notifies people, or a bar that ends the cell of a table.
"""

from __future__ import annotations

import re

# Words with signs that mean nothing in the middle of a line. An underscore between letters is none.
_PLAIN = re.compile(r"(?:[^\W_]|(?<=[^\W_])_(?=[^\W_])|[ .,;()/'\"%+\u2013\u2019-]|:(?!/))+")
_LINK_START = re.compile(r"www\.", re.IGNORECASE)
_BACKTICKS = re.compile(r"`+")


def markdown_text(text: str) -> str:
    """Return a text as it stands in a line of Markdown: as code if it may hold a mark.

    White space is one blank.

    >>> markdown_text("Abnormality of the eye"), markdown_text("<b>a")
    ('Abnormality of the eye', '`<b>a`')
    """
    line = " ".join(text.split())
    if not line or (_PLAIN.fullmatch(line) and not _LINK_START.search(line)):
        return line

    # More backticks than stand side by side in the text.
    longest = max((len(run) for run in _BACKTICKS.findall(line)), default=0)
    fence = "`" * (longest + 1)
    blank = " " if line[0] == "`" or line[-1] == "`" else ""
    return f"{fence}{blank}{line}{blank}{fence}"


def markdown_cell(text: str) -> str:
    """Return a text as it stands in a cell of a table, which a bar would end, even one in code.

    >>> markdown_cell("a|b") == "`a" + chr(92) + "|b`"
    True
    """
    return markdown_text(text).replace("|", "\\|")
