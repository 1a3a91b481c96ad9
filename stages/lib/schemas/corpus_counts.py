"""The tables CorpusCounts and RecurringLines: what occurs in how many documents of a source."""

from __future__ import annotations

import pandera.pandas as pa

from stages.lib.core.tables import Table

# The kinds of items that the stage clean writes out.
KINDS = (
    "text",
    "boilerplate",
    "definition",
    "mention",
    "word",
    "name",
    "document_language",
    "anchor_language",
    "short_document_word",
    "short_anchor_word",
    "private",
)

# Kinds that stay within the stage: they decide about recurring lines and about languages.
INNER_KINDS = (
    "family",
    "writing",
    "residue",
    "line_set",
    "heading",
    "most_words",
    "removed",
    "foreign",
    "short_document",
)


class CorpusCounts(Table):
    """One row is the number of documents (or anchors) of a source that contain an item."""

    kind: str = pa.Field(
        isin=[*KINDS, *INNER_KINDS],
        description="the kind of item: all texts, lines and sentences (as hashes), definitions of "
        "abbreviations (short, a tab, long), mentions of short forms, words, names, what documents "
        "and anchors show of their language, words of those that are too short to show it, kinds "
        "of private data; the other kinds are counted within clean alone",
    )
    source: str = pa.Field(description="the source; empty for counts over all sources")
    item: str = pa.Field(description="the item; empty for a count of all texts")
    document_frequency: int = pa.Field(ge=1, description="number of texts that contain it")

    class Config(Table.Config):
        """The key of the table."""

        unique = ["kind", "source", "item"]


class RecurringLines(Table):
    """One row is a line or sentence that recurs over a source, and what was decided about it."""

    source: str = pa.Field(str_length={"min_value": 1}, description="the source")
    key: str = pa.Field(
        str_matches=r"^[0-9a-f]{16}$", description="hash of the normal form of the line"
    )
    line: str = pa.Field(str_length={"min_value": 1}, description="its most frequent writing")
    documents: int = pa.Field(ge=1, description="number of documents that hold it")
    removed_from: int = pa.Field(ge=0, description="number of documents that lost it")
    verdict: str = pa.Field(
        isin=["removed", "field", "choice", "heading", "most_words", "distinct", "judged"],
        description="removed, or why it stays: a value of a field, a choice between several lines, "
        "the heading of a section, most of the words of its documents, what alone tells "
        "documents apart, or a person judged its removal wrong",
    )

    class Config(Table.Config):
        """The key of the table."""

        unique = ["source", "key"]
