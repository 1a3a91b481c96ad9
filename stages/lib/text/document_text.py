"""The text of a document that is embedded: its fields, filled into `pair.document_text`.

What the model reads decides which documents are empty, and which are copies of each other.
"""

from __future__ import annotations

from string import Formatter

import pandas as pd

# The template of sources whose documents are embedded as they are.
TEXT_ALONE = "{text}"


def fill(template: str, text: str, title: str, topic: str) -> str:
    """Return the filled-in `template`, without white space at its ends.

    >>> fill("{title}: {text}", "Hold it.", title="Reset", topic="")
    'Reset: Hold it.'
    """
    return template.format(text=text, title=title, topic=topic).strip()


def document_texts(documents: pd.DataFrame, template: str) -> list[str]:
    """Return the text of each of the Documents that is embedded, in their order."""
    columns = documents[["text", "title", "topic"]]
    rows = columns.itertuples(index=False, name=None)
    return [fill(template, text, title, topic=topic) for text, title, topic in rows]


def own_words(template: str, text: str, title: str) -> str:
    """Return what a document says by itself: its text, or else a title that is embedded.

    The topic says nothing about a single document. Without own words the document is empty.

    >>> own_words("{title}: {text}", "", "Reset"), own_words("{text}", "", "Reset")
    ('Reset', '')
    """
    if text.strip():
        return text
    return title if has_title(template) and title.strip() else ""


def has_title(template: str) -> bool:
    """Return whether the title of a document is embedded.

    >>> has_title("{title}: {text}"), has_title("{{title}} {text}")
    (True, False)
    """
    return "title" in [name for _, name, _, _ in Formatter().parse(template)]
